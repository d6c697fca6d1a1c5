"""What a store would be after a power loss: what had reached the disk, and not a byte more."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.delivery.system_calls import SystemCall

_SUFFIXES = ("", "-wal")


class DurableStore:
    """Follows the system calls of the process that writes it.

    What is in the files at the start counts as on the disk; what is written later does when a sync
    of its file that began after it has ended. ``syncs`` counts them.
    """

    def __init__(self, path: Path) -> None:
        files = {f"{path}{suffix}": Path(f"{path}{suffix}") for suffix in _SUFFIXES}
        self._written = {name: bytearray(file.read_bytes()) for name, file in files.items()}
        self._durable = {name: bytes(content) for name, content in self._written.items()}
        self._path = path
        self._syncing: dict[int, tuple[str, bytes]] = {}
        self._writing: dict[int, SystemCall] = {}
        self.syncs = 0

    def follow(self, call: SystemCall) -> None:
        if call.path in self._written:
            if call.name in ("fsync", "fdatasync"):
                self._syncing[call.thread] = call.path, bytes(self._written[call.path])
            else:
                self._writing[call.thread] = call
        elif call.result is not None:
            self._end(call.thread, call.result)

    def _end(self, thread: int, result: int) -> None:
        writing = self._writing.pop(thread, None)
        path, content = self._syncing.pop(thread, ("", b""))
        if writing is not None and result >= 0:
            self._write(writing)
        if path and result == 0:
            self._durable[path] = content
            self.syncs += 1

    def _write(self, call: SystemCall) -> None:
        content = self._written[call.path]
        if call.name == "ftruncate":
            (length,) = call.numbers
            del content[length:]
            content.extend(bytes(length - len(content)))
            return
        length, offset = call.numbers
        assert length == len(call.data), "the trace has all that was written"
        content.extend(bytes(max(0, offset - len(content))))
        content[offset : offset + length] = call.data

    @contextmanager
    def after_power_loss(self) -> Iterator[sqlite3.Connection]:
        """The store as the next start would find it."""
        with TemporaryDirectory() as folder:
            copy = Path(folder, "store")
            for suffix in _SUFFIXES:
                copy.with_name(f"store{suffix}").write_bytes(self._durable[f"{self._path}{suffix}"])
            with closing(sqlite3.connect(copy)) as store:
                yield store
