"""From the tracker to the outbox: changes and the calls they belong to, in order.

The tracker must never wait for the disk, so what is to be written waits here. While more than
HIGH_WATER does, or the outbox holds so much that it cannot write, ``full`` is True and the service
lets the AMI line go: memory stays bounded, and the snapshot after the next login tells what
happened meanwhile.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from daemon.calls.model import CallChange
from daemon.events.outbox import HIGH_WATER, Outbox
from daemon.store import StoreUnavailable

log = logging.getLogger(__name__)

_RETRY = 1.0


class Recorder:
    """Writes what it is given.

    ``document_of`` gives a live call as JSON by its id, None for one that has ended. It is asked
    when the call is written, so that a call that changes often is written once for all of it.
    ``on_due`` is called with the servers that there is something to deliver to.
    """

    def __init__(
        self,
        outbox: Outbox,
        document_of: Callable[[str], str | None],
        on_due: Callable[[Iterable[str]], None],
    ) -> None:
        self._outbox = outbox
        self._document_of = document_of
        self._on_due = on_due
        self._waiting = _Batch()
        self._being_written: _Batch | None = None
        self._something = asyncio.Event()

    @property
    def full(self) -> bool:
        writing = self._being_written.size if self._being_written else 0
        return self._waiting.size + writing + self._outbox.held > HIGH_WATER

    def put(self, changes: Iterable[CallChange], calls: Iterable[str]) -> None:
        """Hand over changes, and the ids of the calls that have changed."""
        self._waiting.changes.extend(changes)
        self._waiting.calls.update(calls)
        self._something.set()

    async def drained(self) -> None:
        """Wait until everything handed over so far is in the outbox."""
        batch = self._waiting if self._waiting.size else self._being_written
        if batch is not None:
            await batch.written.wait()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._something.wait()
            self._something.clear()
            batch, self._waiting = self._waiting, _Batch()
            self._being_written = batch
            origins = await self._record(batch)
            batch.written.set()
            self._being_written = None
            if origins:
                self._on_due(origins)

    async def _record(self, batch: "_Batch") -> Iterable[str]:
        while True:
            documents = {call: self._document_of(call) for call in batch.calls}
            try:
                return await self._outbox.record(batch.changes, documents)
            except StoreUnavailable as error:
                # Not even read: then it is not known who wants to be told.
                log.error("store: %s; %d call changes wait", error, len(batch.changes))
                await asyncio.sleep(_RETRY)


class _Batch:
    """What is written together."""

    def __init__(self) -> None:
        self.changes: list[CallChange] = []
        self.calls: set[str] = set()
        self.written = asyncio.Event()

    @property
    def size(self) -> int:
        return max(len(self.changes), len(self.calls))
