"""What the log tells of deliveries."""

import re
from dataclasses import replace

import pytest

from daemon.events.origin import origin_of
from daemon.events.phone_call_events import EventType, Status
from daemon.store import Store
from tests.unit.daemon.events.changes import (
    DIAL_IN,
    HANGUP,
    deliveries,
    phone_call_events,
    put,
    subscribe,
)
from tests.unit.daemon.events.delivering import delivering, settled
from tests.unit.daemon.people import JOHN
from tests.unit.waiting import until
from tests.unit.webhook_receiver import Receiver


async def test_410_disables_the_event_and_says_so_and_what_waits_waits(
    store: Store, app: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    app.status = 410
    event = await subscribe(store, app.url + "/hook?key=secret", EventType.HANGUP)
    await put(store, HANGUP, replace(HANGUP, channel="1.2"))
    async with delivering(store):
        await until(lambda: "event is disabled" in caplog.text)
    (found,) = await phone_call_events(store).find(JOHN)
    assert (found.status, found.note, found.url) == (Status.DISABLED, event.note, event.url)
    assert [row["state"] for row in await deliveries(store)] == ["dead", "pending"]
    assert len(app.requests) == 1
    (told,) = [record for record in caplog.records if "is disabled" in record.getMessage()]
    assert told.levelname == "WARNING"
    assert f"call {HANGUP.call_id}: event HANGUP of {JOHN} (msg_" in told.getMessage()
    assert f"to {app.url}/hook: the app wants no more of it: HTTP status 410" in told.getMessage()
    assert "secret" not in told.getMessage()


@pytest.mark.parametrize(
    ("status", "attempts", "level", "told"),
    [
        (200, 0, "INFO", "delivered: HTTP status 200"),
        (500, 0, "WARNING", "not delivered: HTTP status 500; again in [56] s"),
        (500, 9, "ERROR", "given up: HTTP status 500"),
    ],
)
async def test_the_log_tells_what_was_delivered_what_not_and_what_was_given_up(
    store: Store,
    app: Receiver,
    caplog: pytest.LogCaptureFixture,
    status: int,
    attempts: int,
    level: str,
    told: str,
) -> None:
    caplog.set_level("INFO")
    app.status = status
    await subscribe(store, app.url)
    await put(store, DIAL_IN)
    change = "UPDATE deliveries SET attempts = ?"
    await store.write(lambda db: db.execute(change, [attempts]))
    async with delivering(store):
        await settled(store)
    (record,) = [record for record in caplog.records if " (msg_" in record.getMessage()]
    assert record.levelname == level
    assert re.fullmatch(f".* to {app.url}: {told}", record.getMessage())


async def test_a_server_that_keeps_failing_is_told_of_once(
    store: Store, app: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    app.status = 500
    await subscribe(store, app.url)
    await put(store, *[replace(DIAL_IN, call_id=str(call)) for call in range(8)])
    async with delivering(store):
        await settled(store)
    told = f"{origin_of(app.url)} keeps failing: now one attempt at a time, with pauses"
    assert caplog.text.count(told) == 1
