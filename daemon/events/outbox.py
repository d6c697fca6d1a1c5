"""The outbox: what is to be delivered, in the store, or in memory while it cannot be written."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from sqlite_utils import Database

from daemon.calls.model import CallChange
from daemon.events import outbox_sql
from daemon.events.deliveries import Delivery, Settlement
from daemon.events.lanes import origins_after
from daemon.events.refuge import Held, Refuge, move
from daemon.store import Store, StoreUnavailable

HIGH_WATER = 10_000
_RECOVER_INTERVAL = 1.0
# More than a write that failed may have left free in the file of the write-ahead log.
_PROBE_BYTES = 1024 * 1024

T = TypeVar("T")


class Outbox:
    """``wait`` is the seconds before a first attempt. ``on_due`` is told of servers that have
    something to do, when it is found later than ``record`` or ``settle`` could tell.

    While the store is in trouble it holds in memory what would be written, ``held`` of it; the
    owner is to take in nothing more when that is over HIGH_WATER.
    """

    def __init__(self, store: Store, wait: float, on_due: Callable[[Iterable[str]], None]) -> None:
        self._store = store
        self._wait = wait
        self._on_due = on_due
        self._refuge: Refuge | None = None
        self._moving = asyncio.Lock()
        self._in_trouble = asyncio.Event()
        store.watch(self._notice_trouble)

    @property
    def held(self) -> int:
        return self._refuge.size if self._refuge else 0

    def take_over(self, wait: float) -> None:
        """Wait for so long before the first attempts of what comes from now on."""
        self._wait = wait

    def close(self) -> None:
        """Forget what is still held."""
        if self._refuge:
            self._refuge.close()
            self._refuge = None

    async def record(
        self, changes: list[CallChange], documents: Mapping[str, str | None]
    ) -> Iterable[str]:
        """Write what the changes have to tell, and the calls; see outbox_sql.record."""
        now, wait = time.time(), self._wait
        return await self._in_store_or_refuge(
            lambda db: outbox_sql.record(db, changes, documents, now, wait),
            lambda refuge: refuge.record(changes, documents, now, wait),
        )

    async def settle(self, settlements: Sequence[Settlement]) -> Mapping[str, float | None]:
        """Write down how attempts ended; see outbox_sql.settle."""
        now = time.time()
        return await self._in_store_or_refuge(
            lambda db: outbox_sql.settle(db, settlements, now),
            lambda refuge: refuge.settle(settlements, now),
        )

    async def due(
        self, origin: str, without: Collection[str], limit: int
    ) -> tuple[list[Delivery], float | None]:
        """What is to be sent to this server now; see outbox_sql.due."""
        while True:
            now, refuge = time.time(), self._refuge
            stored: list[Delivery] = []
            at: float | None = None
            if refuge is None or refuge.size < HIGH_WATER:
                # How those that it knows ended is not in the store yet.
                unknown = {*without, *refuge.settled} if refuge else without
                read = partial(outbox_sql.due, origin=origin, now=now, without=unknown, limit=limit)
                stored, at = await self._store.read(read)
            if self._refuge is not refuge:
                continue  # what was read is not all that is known by now
            if refuge is None:
                return stored, at
            held, held_at = refuge.due(origin, now, without, limit - len(stored))
            times = [one for one in (at, held_at) if one is not None]
            return stored + held, min(times, default=None)

    async def origins_after(self, origin: str, limit: int) -> list[tuple[str, float]]:
        """Servers for which something waits; see lanes.origins_after."""
        return await self._store.read(partial(origins_after, after=origin, limit=limit))

    async def recover(self) -> None:
        """For ever: when the store is in trouble, try again, and move into it what is held."""
        while True:
            await self._in_trouble.wait()
            await asyncio.sleep(_RECOVER_INTERVAL)
            with suppress(StoreUnavailable):
                await self.move()

    async def move(self) -> None:
        """Write what is held into the store. Raises StoreUnavailable if that is still not so."""
        await self._store.try_again(_probe)
        await self._store.try_again(_end_of_probe)
        async with self._moving:
            held = self._refuge.held() if self._refuge else Held()
            origins = await self._store.try_again(partial(move, held=held, now=time.time()))
            self.close()
            self._store.recovered()
        self._on_due(origins)

    async def _in_store_or_refuge(
        self, write: Callable[[Database], T], hold: Callable[[Refuge], Awaitable[T]]
    ) -> T:
        while True:
            if self._refuge is None:
                with suppress(StoreUnavailable):
                    return await self._store.write(write)
            async with self._moving:
                if self._store.trouble is None:
                    continue  # all is in the store by now
                if self._refuge is None:
                    self._refuge = Refuge(self._store)
                return await hold(self._refuge)

    def _notice_trouble(self) -> None:
        if self._store.trouble is None:
            self._in_trouble.clear()
        else:
            self._in_trouble.set()


def _probe(db: Database) -> None:
    """See whether there is room again: for a few small writes there often is on a full disk."""
    db.execute("INSERT INTO probe VALUES (randomblob(?))", [_PROBE_BYTES])


def _end_of_probe(db: Database) -> None:
    db.execute("DELETE FROM probe")
