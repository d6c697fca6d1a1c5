"""From the tracker to the store: call changes and their deliveries, in order, in transactions.

The tracker must never wait for the disk, so changes wait here. While more than HIGH_WATER do,
``full`` is True and the service lets the AMI line go: memory stays bounded, and the snapshot after
the next login tells what happened meanwhile.
"""

import asyncio
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from sqlite_utils import Database

from daemon.calls.model import CallChange
from daemon.events.outbox import record
from daemon.store import Store

log = logging.getLogger(__name__)

HIGH_WATER = 10_000
_RETRY = 1.0

Entry = tuple[Sequence[CallChange], Mapping[str, str | None]]


class Recorder:
    """Writes what it is given; ``on_deliveries`` is called when there is something to deliver."""

    def __init__(self, store: Store, on_deliveries: Callable[[], None]) -> None:
        self._store = store
        self._on_deliveries = on_deliveries
        self._waiting: deque[Entry] = deque()
        self._something = asyncio.Event()
        self._all_written = asyncio.Event()
        self._all_written.set()

    @property
    def full(self) -> bool:
        return len(self._waiting) > HIGH_WATER

    def put(self, changes: Sequence[CallChange], documents: Mapping[str, str | None]) -> None:
        """Hand over changes and, as JSON by id, the calls they left behind (None: ended)."""
        self._waiting.append((changes, documents))
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
            entries = list(self._waiting)
            if not entries:
                continue
            try:
                deliveries = await self._store.write(partial(_record_all, entries))
            except sqlite3.Error as error:
                log.error("store: %s; %d call changes wait", error, len(self._waiting))
                self._something.set()
                await asyncio.sleep(_RETRY)
                continue
            for _ in entries:
                self._waiting.popleft()
            if deliveries:
                self._on_deliveries()
            if not self._waiting:
                self._all_written.set()


def _record_all(entries: Sequence[Entry], db: Database) -> int:
    now = time.time()
    return sum(record(db, changes, documents, now) for changes, documents in entries)
