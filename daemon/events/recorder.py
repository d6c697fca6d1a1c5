"""From the tracker to the store: notices and the calls they belong to, in order, in transactions.

The tracker must never wait for the disk, so what is to be written waits here. While more than
HIGH_WATER does, ``full`` is True and the service lets the AMI line go: memory stays bounded, and
the snapshot after the next login tells what happened meanwhile.
"""

import asyncio
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from daemon.events.matching import Notice
from daemon.events.outbox import record
from daemon.store import Store

log = logging.getLogger(__name__)

HIGH_WATER = 10_000
_RETRY = 1.0


class Recorder:
    """Writes what it is given.

    ``document_of`` gives a live call as JSON by its id, None for one that has ended. It is asked
    when the call is written, so that a call that changes often is written once for all of it.
    ``on_deliveries`` is called when there is something to deliver.
    """

    def __init__(
        self,
        store: Store,
        document_of: Callable[[str], str | None],
        on_deliveries: Callable[[], None],
    ) -> None:
        self._store = store
        self._document_of = document_of
        self._on_deliveries = on_deliveries
        self._notices: deque[Notice] = deque()
        self._calls: set[str] = set()
        self._something = asyncio.Event()
        self._all_written = asyncio.Event()
        self._all_written.set()

    @property
    def full(self) -> bool:
        return len(self._notices) > HIGH_WATER or len(self._calls) > HIGH_WATER

    def put(self, notices: Iterable[Notice], calls: Iterable[str]) -> None:
        """Hand over notices, and the ids of the calls that have changed."""
        self._notices.extend(notices)
        self._calls.update(calls)
        self._all_written.clear()
        self._something.set()

    async def drained(self) -> None:
        """Wait until everything handed over so far is on disk."""
        await self._all_written.wait()

    async def run(self) -> None:
        """Write until cancelled. What the store refuses is kept and tried again."""
        while True:
            await self._something.wait()
            self._something.clear()
            notices, calls = list(self._notices), self._calls
            self._calls = set()
            documents = {call: self._document_of(call) for call in calls}
            try:
                deliveries = await self._store.write(
                    partial(record, notices=notices, documents=documents, now=time.time())
                )
            except sqlite3.Error as error:
                self._calls |= calls
                log.error(
                    "store: %s; %d events and %d calls wait",
                    *(error, len(self._notices), len(self._calls)),
                )
                self._something.set()
                await asyncio.sleep(_RETRY)
                continue
            for _ in notices:
                self._notices.popleft()
            if deliveries:
                self._on_deliveries()
            if not self._notices and not self._calls:
                self._all_written.set()
