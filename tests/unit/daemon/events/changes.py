"""CallChanges, PhoneCallEvents and outbox rows for the tests of the events."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from daemon.calls.model import CallChange, CallStatus, ChangeKind, Direction, Parties
from daemon.events.outbox_sql import record
from daemon.events.phone_call_events import (
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


async def put(store: Store, *changes: CallChange, now: float = 0.0) -> set[str]:
    """Write what the changes have to tell; the origins that have something to do then."""
    return await store.write(lambda db: record(db, changes, {}, now))


async def _at_once() -> None:
    return


async def deliveries(store: Store) -> list[dict[str, Any]]:
    return await store.read(lambda db: list(db.query("SELECT * FROM deliveries ORDER BY seq")))
