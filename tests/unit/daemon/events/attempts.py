"""Attempts to deliver what is in a store, without a network: only their outcomes."""

from functools import partial

from sqlite_utils import Database

from daemon.events import outbox_sql
from daemon.events.deliveries import Delivered, Delivery, DeliveryState, Failed, Settlement
from daemon.events.origin import origin_of
from daemon.store import Store

OK = Delivered("HTTP status 200", "thanks")
ERROR = Failed("HTTP status 500", "oh no")


async def due(store: Store, now: float) -> list[Delivery]:
    """What is to be sent now to http://a/."""
    return await store.read(partial(_due, now=now, url="http://a/"))


async def attempt(
    store: Store, state: DeliveryState, now: float = 0.0, url: str = "http://a/", again: float = 1e9
) -> list[str]:
    """Send all that is due, with this state as the result; their webhook ids, in order.

    What fails is to be tried ``again`` at that time.
    """
    return await store.write(lambda db: attempt_in(db, state, now, url, again))


def attempt_in(
    db: Database,
    state: DeliveryState,
    now: float = 0.0,
    url: str = "http://a/",
    again: float = 1e9,
) -> list[str]:
    """The same of an open database."""
    deliveries = _due(db, now, url)
    outcome = OK if state is DeliveryState.DELIVERED else ERROR
    next_attempt = again if state is DeliveryState.FAILED else None
    settlements = [
        Settlement(delivery, outcome, now, 0.25, state, next_attempt) for delivery in deliveries
    ]
    outbox_sql.settle(db, settlements, now)
    return [delivery.webhook_id for delivery in deliveries]


def _due(db: Database, now: float, url: str) -> list[Delivery]:
    found, _ = outbox_sql.due(db, origin_of(url), now, without=(), limit=1000)
    return found
