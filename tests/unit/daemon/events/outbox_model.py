"""What a model of the outbox consists of, and a store in memory to compare it with."""

from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database

from daemon.events.deliveries import DeliveryState, Gone, Settlement
from daemon.events.origin import origin_of
from daemon.events.phone_call_events import EventType
from daemon.store import Store
from daemon.tables import migrations

T = TypeVar("T")


class StoreInMemory(Store):
    """Works are done at once, by who asks."""

    def __init__(self) -> None:
        super().__init__(Path(":memory:"))
        self.db = Database(memory=True)
        migrations.apply(self.db)

    async def write(self, work: Any) -> Any:
        with self.db.atomic():
            return work(self.db)

    read = write


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    raise AssertionError("it waits for something")


@dataclass
class ModelEvent:
    type: EventType
    url: str
    enabled: bool
    deleted: bool = False


@dataclass
class ModelDelivery:
    """A delivery, as the model has it."""

    event: str
    call: str
    queued: float
    next_attempt: float | None
    state: DeliveryState = DeliveryState.PENDING
    ended: float | None = None
    attempts: int = 0
    notes: int = 0


async def at_once() -> None:
    return


class Model:
    """PhoneCallEvents by id, deliveries by webhook id, oldest first."""

    now: float
    events: dict[str, ModelEvent]
    deliveries: dict[str, ModelDelivery]

    def open(self, event: str, call: str) -> list[ModelDelivery]:
        return [
            delivery
            for delivery in self.deliveries.values()
            if (delivery.event, delivery.call) == (event, call) and delivery.ended is None
        ]

    def wake_of(self, origin: str) -> float | None:
        wakes = [
            delivery.next_attempt
            for delivery in self.deliveries.values()
            if (event := self.events[delivery.event]).enabled
            and not event.deleted
            and origin_of(event.url) == origin
            and delivery.next_attempt is not None
        ]
        return min(wakes, default=None)

    def settle(self, settlement: Settlement) -> None:
        model = self.deliveries.get(settlement.delivery.webhook_id)
        if model is None:
            return  # deleted meanwhile
        model.attempts += 1
        model.notes += 1
        if isinstance(settlement.outcome, Gone):
            self.events[model.event].enabled = False
        if model.ended is not None:
            if settlement.state is DeliveryState.DELIVERED:
                model.state = settlement.state
            return
        model.state, model.next_attempt = settlement.state, settlement.next_attempt
        if settlement.next_attempt is None:
            self.end(model, settlement.state)

    def end(self, model: ModelDelivery, state: DeliveryState) -> None:
        model.state, model.ended, model.next_attempt = state, self.now, None
        chain = self.open(model.event, model.call)
        if chain and chain[0].next_attempt is None:
            chain[0].next_attempt = self.now
