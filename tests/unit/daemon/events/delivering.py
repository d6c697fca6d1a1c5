"""Delivers what is in a store, until the end of a block."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daemon.events.delivery import Deliverer
from daemon.events.guard import Guard
from daemon.events.outbox import Outbox
from daemon.store import Store
from tests.unit.daemon.people import DELIVERY

_WITH_OUTCOME = """
    SELECT d.*, max(a.number), a.outcome AS kind, a.reason AS told
    FROM deliveries d LEFT JOIN attempts a ON a.delivery = d.seq GROUP BY d.seq
"""


def deliverer_of(store: Store) -> Deliverer:
    outbox = Outbox(store, DELIVERY.schedule[0], lambda origins: None)
    return Deliverer(outbox, DELIVERY, Guard(DELIVERY))


@asynccontextmanager
async def delivering(store: Store) -> AsyncIterator[Deliverer]:
    deliverer = deliverer_of(store)
    running = asyncio.create_task(deliverer.run())
    try:
        yield deliverer
    finally:
        deliverer.stop()
        async with asyncio.timeout(10):
            await running


async def settled(store: Store) -> list[dict[str, object]]:
    """The rows of the outbox once every delivery in it has been tried, with the last outcome."""
    async with asyncio.timeout(10):
        while not all(row["told"] for row in await _with_outcome(store)):
            await asyncio.sleep(0.005)
    return await _with_outcome(store)


async def _with_outcome(store: Store) -> list[dict[str, object]]:
    return await store.read(lambda db: list(db.query(_WITH_OUTCOME)))
