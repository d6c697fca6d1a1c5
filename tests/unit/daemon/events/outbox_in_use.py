"""An outbox as its deliverer uses it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from daemon.events.deliveries import Delivery, Outcome
from daemon.events.outbox import Outbox
from daemon.store import Store
from tests.unit.daemon.events.changes import HANGUP, deliveries, settlement

A, B = "http://a:80", "http://b:80"
OTHER_LEG = replace(HANGUP, channel="1795295748.2")
THIRD_LEG = replace(HANGUP, channel="1795295748.3")
OTHER_CALL = replace(HANGUP, call_id="0" * 20)


class Told:
    """The servers that were told of, each time."""

    def __init__(self) -> None:
        self.origins: list[set[str]] = []

    def __call__(self, origins: Iterable[str]) -> None:
        self.origins.append(set(origins))


async def due_of(
    outbox: Outbox, origin: str = A, without: Iterable[Delivery] = (), limit: int = 50
) -> list[Delivery]:
    ids = {delivery.webhook_id for delivery in without}
    return (await outbox.due(origin, ids, limit))[0]


async def settle_in(
    outbox: Outbox, delivery: Delivery, outcome: Outcome, again: float | None = None
) -> None:
    await outbox.settle([settlement(delivery, outcome, again)])


def leg_of(delivery: Delivery) -> str:
    """The CallID that it tells."""
    return dict(parse_qsl(delivery.form))["CallID"]


def legs_of(found: Iterable[Delivery]) -> list[str]:
    return [leg_of(delivery) for delivery in found]


async def counts(store: Store) -> dict[str, int]:
    query = "SELECT state, count FROM delivery_counts WHERE count > 0"
    return await store.read(lambda db: dict(db.execute(query).fetchall()))


async def rows_of(store: Store, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in await deliveries(store)]
