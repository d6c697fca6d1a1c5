"""What a process asks of its kernel, as strace tells it from a container of the test image."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.pbx.addresses import own_name
from tests.pbx.asterisk import IMAGE
from tests.pbx.container import Container
from tests.unit.waiting import until

CALLS = "pwrite64,ftruncate,fsync,fdatasync,sendto,sendmsg"
_LONGEST = 1 << 20  # bytes of data that are told of one call

_BEGIN = re.compile(r"(\d+) +(\w+)\(\d+<([^>]*)>(.*)")
_END = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>.* = (-?\d+)")
_RESULT = re.compile(r"\) += (-?\d+)[^)\"]*$")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(?!\.)')
_NUMBERS = re.compile(r", (\d+)(?=, |\)| <unfinished)")


@dataclass(frozen=True)
class SystemCall:
    """Its beginning, or its end: ``result`` is None in the beginning. ``path`` is what the file
    descriptor leads to, ``data`` what is to be written, and ``numbers`` are the arguments after
    that."""

    thread: int
    name: str
    path: str = ""
    data: bytes = b""
    numbers: tuple[int, ...] = ()
    result: int | None = None


@asynccontextmanager
async def traced(pid: int, folder: Path) -> AsyncIterator[Path]:
    """A file in the folder, to which the CALLS of this process are written from here on."""
    options = (
        *("--pid=host", "--cap-add=SYS_PTRACE", "--security-opt=seccomp=unconfined"),
        f"--volume={folder}:/trace",
    )
    strace = ("strace", "--follow-forks", "--decode-fds=path", "--strings-in-hex=all")
    container = Container(
        own_name("uapid-test-strace"),
        IMAGE,
        options,
        (*strace, f"-s{_LONGEST}", f"-etrace={CALLS}", "-o/trace/strace", f"-p{pid}"),
    )
    await asyncio.to_thread(container.run)
    try:
        await until(lambda: _is_traced(pid))
        yield folder / "strace"
    finally:
        await asyncio.to_thread(container.remove)


def _is_traced(pid: int) -> bool:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return all("\nTracerPid:\t0\n" not in (thread / "status").read_text() for thread in threads)


def system_calls(trace: Path) -> Iterator[SystemCall]:
    """The beginnings and ends of the calls, as they came."""
    with trace.open() as lines:
        for line in lines:
            if found := _BEGIN.match(line):
                thread, name, path, rest = found.groups()
                data = b"".join(_bytes(string) for string in _STRING.findall(rest))
                numbers = tuple(map(int, _NUMBERS.findall(rest)))
                yield SystemCall(int(thread), name, _bytes(path).decode(), data, numbers)
                if ended := _RESULT.search(rest):
                    yield SystemCall(int(thread), name, result=int(ended[1]))
            elif found := _END.match(line):
                thread, name, result = found.groups()
                yield SystemCall(int(thread), name, result=int(result))


def _bytes(hexadecimal: str) -> bytes:
    return bytes.fromhex(hexadecimal.replace("\\x", ""))
