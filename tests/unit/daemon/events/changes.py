"""CallChanges, PhoneCallEvents and outbox rows for the tests of the events."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from daemon.calls.model import CallChange, CallStatus, ChangeKind, Direction, Parties, Seen
from daemon.events import outbox_sql
from daemon.events.deliveries import (
    Delivered,
    Delivery,
    DeliveryState,
    Failed,
    Outcome,
    Refused,
    Settlement,
)
from daemon.events.origin import origin_of
from daemon.events.phone_call_events import (
    EventChange,
    EventType,
    Method,
    PhoneCallEvent,
    PhoneCallEvents,
    Status,
)
from daemon.store import Store
from tests.unit.daemon.people import JOHN, MARY

DIAL_IN = CallChange(
    kind=ChangeKind.DIAL,
    at=datetime(2026, 1, 1, tzinfo=UTC),
    call_id="b817d2618fe6f1804333",
    channel="1795295748.1",
    extension=JOHN,
    direction=Direction.IN,
    status=CallStatus.CALLING,
    parties=Parties(
        caller_number=MARY,
        caller_name="Mary & José",
        caller_extension=MARY,
        called_number="210",
        called_extension=JOHN,
        called_did="",
    ),
)
ANSWER_IN = replace(DIAL_IN, kind=ChangeKind.ANSWER, status=CallStatus.ANSWER)
HANGUP = replace(DIAL_IN, kind=ChangeKind.HANGUP, status=CallStatus.ANSWER)


A_DELIVERY = Delivery(
    webhook_id="msg_1",
    event="event",
    call="call",
    type=EventType.DIAL_IN,
    extension=JOHN,
    url="",
    method=Method.POST,
    form="",
    seen=Seen.LIVE,
    queued=0.0,
    attempts=0,
    secrets=(),
)

APP = "app"


def phone_call_events(store: Store) -> PhoneCallEvents:
    """Without a recorder, whose changes would be written first."""
    return PhoneCallEvents(store, first=_at_once)


async def subscribe(
    store: Store,
    url: str,
    type: EventType = EventType.DIAL_IN,
    *,
    method: Method = Method.GET,
    status: Status = Status.ENABLED,
    extension: str = JOHN,
) -> PhoneCallEvent:
    return await phone_call_events(store).create(
        extension, type, method, "note", url, status, app=APP
    )


async def update(
    store: Store, event: PhoneCallEvent, *, url: str | None = None, status: Status | None = None
) -> None:
    change = EventChange(url=url, status=status)
    await phone_call_events(store).update(event.extension, event.type, event.id, change)


async def put(store: Store, *changes: CallChange, now: float = 0.0) -> set[str]:
    """Write what the changes have to tell; the origins that have something to do then."""
    return set(await store.write(lambda db: outbox_sql.record(db, changes, {}, now)))


async def _at_once() -> None:
    return


async def due(
    store: Store,
    url: str,
    now: float = 0.0,
    without: Collection[Delivery] = (),
    limit: int = 50,
) -> list[Delivery]:
    """What is to be sent to the server of this URL."""
    return (await due_and_next(store, url, now, without, limit))[0]


async def due_and_next(
    store: Store,
    url: str,
    now: float = 0.0,
    without: Collection[Delivery] = (),
    limit: int = 50,
) -> tuple[list[Delivery], float | None]:
    ids = [delivery.webhook_id for delivery in without]
    return await store.read(lambda db: outbox_sql.due(db, origin_of(url), now, ids, limit))


def settlement(
    delivery: Delivery, outcome: Outcome, again: float | None = None, at: float = 50.0
) -> Settlement:
    """An attempt that ended so; ``again`` is when the next one is due."""
    match outcome:
        case Delivered():
            state = DeliveryState.DELIVERED
        case Failed() | Refused() if again is not None:
            state = DeliveryState.FAILED
        case _:
            state = DeliveryState.DEAD
    return Settlement(delivery, outcome, at, 0.25, state, again)


async def settle(
    store: Store, delivery: Delivery, outcome: Outcome, again: float | None = None
) -> dict[str, float | None]:
    """Write it down at 100.0; when the servers have something to do then."""
    ended = [settlement(delivery, outcome, again)]
    return dict(await store.write(lambda db: outbox_sql.settle(db, ended, 100.0)))


async def deliveries(store: Store) -> list[dict[str, Any]]:
    return await store.read(lambda db: list(db.query("SELECT * FROM deliveries ORDER BY seq")))


async def attempts(store: Store) -> list[dict[str, Any]]:
    """All that were made, in the order of the deliveries."""
    query = "SELECT * FROM attempts ORDER BY delivery, number"
    return await store.read(lambda db: list(db.query(query)))
