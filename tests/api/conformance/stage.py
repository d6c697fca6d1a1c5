"""What the tables are played on: PhoneCallEvents, deliveries and live calls that are known."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

from sqlite_utils import Database

from daemon.calls.model import PhoneCallView
from daemon.events import outbox_sql
from daemon.events.deliveries import DeliveryState
from daemon.holds.hold import Confirmed, HoldOutcome
from tests.api.calls import HELD, PUBLISHED, CallsInMemory, ChosenHolds, a_call
from tests.api.conformance.operations import Operation
from tests.api.running import CALLS, EVENTS, NEW_EVENT, Answer, RunningApi
from tests.unit.daemon.events.attempts import attempt_in
from tests.unit.daemon.events.changes import DIAL_IN

URL = "http://myevent.com/"
CALL = "b817d2618fe6f1804333"
MODIFIED = "2012-07-10T18:16:12+03:00"
"""When the event of the stage was changed last."""


class Stage:
    """An API with an event, a delivery that failed and a live call."""

    def __init__(self, api: RunningApi) -> None:
        self.api = api
        self._there: dict[str, str] | None = None

    async def request(
        self,
        operation: Operation,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        /,
        **segments: str,
    ) -> Answer:
        """Of user 12 and the extension 0003*210, apart from these segments of the path.

        ``body`` and ``headers`` stand in the place of the operation's own.
        """
        path = await self._path(operation, segments)
        answer = await self.api.request(
            operation.method, f"/uapi{path}", body or operation.body, headers=headers
        )
        if operation.method != "GET" and answer.status < 300:
            self._there = None
        return answer

    async def path(self, operation: Operation, **segments: str) -> str:
        """The path below /uapi to something new that is there."""
        self._there = None
        return await self._path(operation, segments)

    async def _path(self, operation: Operation, segments: dict[str, str]) -> str:
        if self._there is None:
            event = await self.api.service.store.write(_event_with_delivery)
            set_calls(self.api)
            self._there = {"user": "@me", "extension": "0003*210", "type": "0", **event}
        others = {"phoneCallId": CALL, "agent": "0003*211"}
        return operation.path.format(**{**others, **self._there, **segments})


def set_calls(api: RunningApi, *minutes: int) -> None:
    """A live call, or calls call0, call1, … this many minutes later; the PBX does what is asked."""
    calls = [
        a_call(id=f"call{number}", published=PUBLISHED + timedelta(minutes=later))
        for number, later in enumerate(minutes)
    ]
    live = CallsInMemory(api.service.directory, *(calls or [a_call()]))

    def obey(what: str, view: PhoneCallView) -> HoldOutcome:
        live.set_on_hold(view.channel, HELD if what == "hold" else None)
        return Confirmed()

    api.service.calls = live
    api.service.holds = ChosenHolds(obey)


# By label, which is the end of the id and of the url; types and others as they are in the store.
LISTED_EVENTS: dict[str, dict[str, Any]] = {
    "a": {"type": 0, "method": 0, "status": 1, "note": "bee", "modified": "2012-07-10T15:16:12"},
    "b": {"type": 0, "method": 1, "status": 0, "note": "", "modified": "2012-07-10T15:16:13"},
    "c": {"type": 2, "method": 0, "status": 1, "note": "eel", "modified": "2012-12-31T21:59:59"},
    "d": {"type": 3, "method": 1, "status": 1, "note": "Bee, ș", "modified": "2012-12-31T22:00:00"},
    "e": {"type": 4, "method": 1, "status": 0, "note": "50%_", "modified": "2024-02-29T12:00:00"},
}
LISTED_DELIVERIES = ("dead", "delivered", "failed", "pending", "pending")
LISTED_CALLS = (0, 1, 2, 60)


async def set_lists(api: RunningApi) -> None:
    """The events above, the deliveries msg_0, msg_1, … of event ida, and the calls call0, …"""
    await api.service.store.write(_set_lists)
    set_calls(api, *LISTED_CALLS)


LIST_PATHS = {
    "events": EVENTS,
    "events of a type": f"{EVENTS}/0",
    "event": f"{EVENTS}/0/ida",
    "deliveries": f"{EVENTS}/0/ida/deliveries",
    "delivery": f"{EVENTS}/0/ida/deliveries/msg_0",
    "calls": CALLS,
    "calls of a user": "/uapi/phoneCalls/@me/@self",
    "call": f"{CALLS}/call0",
}


def labels(answer: Answer) -> str:
    """The last letters of the ids of the entries."""
    assert answer.status in (200, 204), answer.text
    return "".join(entry["id"][-1] for entry in answer.body["entry"]) if answer.body else ""


def _set_lists(db: Database) -> None:
    for label, fields in LISTED_EVENTS.items():
        _insert_event(db, f"id{label}", label, fields)
    start = datetime(2026, 11, 19, 8, tzinfo=UTC).timestamp()
    for number, state in enumerate(LISTED_DELIVERIES):
        created = start + 60 * number
        with _renamed(db, f"msg_{number}"):
            change = replace(DIAL_IN, call_id=f"call{number}")
            outbox_sql.record(db, [change], {}, created, wait=1e9)
        if state != "pending":
            # Only that one is due.
            db.execute(
                "UPDATE deliveries SET next_attempt = ? WHERE webhook_id = ?",
                [created, f"msg_{number}"],
            )
            db.execute("UPDATE phone_call_events SET wake_at = ? WHERE id = 'ida'", [created])
            attempt_in(db, DeliveryState(state), created, f"{URL}a", again=created + 1e9)


def _event_with_delivery(db: Database) -> dict[str, str]:
    """In the place of all that there were. An id that was deleted never comes again."""
    db.execute("DELETE FROM phone_call_events")
    id = token_hex(16)
    _insert_event(db, id, "mine", {**NEW_EVENT, "modified": "2012-07-10T15:16:12"})
    outbox_sql.record(db, [DIAL_IN], {}, 1e9)
    attempt_in(db, DeliveryState.FAILED, 1e9, f"{URL}mine", again=1e10)
    ((delivery,),) = db.execute("SELECT webhook_id FROM deliveries WHERE event = ?", [id])
    return {"id": id, "deliveryId": delivery}


def _insert_event(db: Database, id: str, label: str, fields: dict[str, Any]) -> None:
    row = {
        **{name: fields[name] for name in ("type", "method", "note", "status")},
        "id": id,
        "extension": "0003*210",
        "url": f"{URL}{label}",
        "modified": f"{fields['modified']}+00:00",
        "app": db.execute("SELECT id FROM apps LIMIT 1").fetchone()[0],
        "origin": "http://myevent.com:80",
        "wake_at": None,
    }
    db.table("phone_call_events").insert(row)


@contextmanager
def _renamed(db: Database, id: str) -> Iterator[None]:
    """The delivery that is written meanwhile has this id."""
    yield
    db.execute(
        "UPDATE deliveries SET webhook_id = ? WHERE seq = (SELECT max(seq) FROM deliveries)", [id]
    )
