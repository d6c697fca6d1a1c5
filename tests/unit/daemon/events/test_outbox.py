import asyncio
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from daemon.events.deliveries import Delivered, Delivery, Failed, Gone, Outcome
from daemon.events.outbox import HIGH_WATER, Outbox
from daemon.events.outbox_sql import live_call_documents
from daemon.events.phone_call_events import EventType, Status
from daemon.store import Store, StoreUnavailable
from tests.unit.daemon.events.changes import (
    APP,
    DIAL_IN,
    HANGUP,
    attempts,
    deliveries,
    phone_call_events,
    settlement,
    subscribe,
    update,
)
from tests.unit.daemon.people import JOHN
from tests.unit.daemon.unwritable import fill_disk, locked, make_room, unwritable
from tests.unit.waiting import until

A, B = "http://a:80", "http://b:80"
OTHER_LEG = replace(HANGUP, channel="1795295748.2")
THIRD_LEG = replace(HANGUP, channel="1795295748.3")
OTHER_CALL = replace(HANGUP, call_id="0" * 20)


class _Told:
    """The servers that were told of, each time."""

    def __init__(self) -> None:
        self.origins: list[set[str]] = []

    def __call__(self, origins: Iterable[str]) -> None:
        self.origins.append(set(origins))


@pytest.fixture
def told() -> _Told:
    return _Told()


@pytest.fixture
def outbox(store: Store, told: _Told) -> Outbox:
    return Outbox(store, 0.0, told)


async def _due(
    outbox: Outbox, origin: str = A, without: Iterable[Delivery] = (), limit: int = 50
) -> list[Delivery]:
    ids = {delivery.webhook_id for delivery in without}
    return (await outbox.due(origin, ids, limit))[0]


async def _settle(
    outbox: Outbox, delivery: Delivery, outcome: Outcome, again: float | None = None
) -> None:
    await outbox.settle([settlement(delivery, outcome, again)])


def _legs(found: Iterable[Delivery]) -> list[str]:
    return [delivery.form.partition("&")[0].removeprefix("CallID=") for delivery in found]


async def _counts(store: Store) -> dict[str, int]:
    query = "SELECT state, count FROM delivery_counts WHERE count > 0"
    return await store.read(lambda db: dict(db.execute(query).fetchall()))


async def _rows(store: Store, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in await deliveries(store)]


# --- while all is well ---


async def test_what_is_recorded_is_due_until_it_is_settled(store: Store, outbox: Outbox) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    assert set(await outbox.record([HANGUP, OTHER_LEG], {"call": "{}"})) == {A}
    (first,) = await _due(outbox)
    assert await _due(outbox, without=[first]) == []
    assert (await outbox.settle([settlement(first, Delivered("-"))])).keys() == {A}
    assert _legs(await _due(outbox)) == [OTHER_LEG.channel]
    assert await store.read(live_call_documents) == ["{}"]
    assert outbox.held == 0
    ((origin, at),) = await outbox.origins_after("", 10)
    assert (origin, at <= time.time()) == (A, True)


async def test_the_first_attempt_is_after_the_wait_of_the_schedule(store: Store) -> None:
    outbox = Outbox(store, 100.0, _Told())
    await subscribe(store, "http://a/")
    async with unwritable(store):
        await outbox.record([DIAL_IN], {})
        found, held_at = await outbox.due(A, (), 10)
        assert found == []
    await outbox.move()
    found, at = await outbox.due(A, (), 10)
    assert found == []
    assert at == held_at
    assert at is not None and 90.0 < at - time.time() <= 100.0


# --- while the store cannot be written ---


async def test_deliveries_go_on_in_memory(store: Store, outbox: Outbox) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await outbox.record([HANGUP], {})
    async with unwritable(store):
        assert set(await outbox.record([OTHER_CALL], {"call": "{}"})) == {A}
        stored, held = await _due(outbox)
        assert (stored.call, held.call) == (HANGUP.call_id, OTHER_CALL.call_id)
        assert held.url == "http://a/"
        assert (await outbox.settle([settlement(held, Delivered("-"))])) == {A: None}
        await _settle(outbox, stored, Delivered("-"))
        assert await _due(outbox) == []
        assert await _rows(store, "state") == [("pending",)], "it is not written yet"
        assert outbox.held == 3


async def test_what_has_settled_meanwhile_is_not_given_out_again(
    store: Store, outbox: Outbox
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await outbox.record([HANGUP, OTHER_LEG, OTHER_CALL], {})
    first, other = await _due(outbox)
    async with unwritable(store):
        await _settle(outbox, first, Delivered("-"))
        await _settle(outbox, other, Failed("-"), again=0.0)
        assert await _due(outbox) == []


async def test_what_fails_in_memory_is_tried_again_in_memory(store: Store, outbox: Outbox) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    async with unwritable(store):
        await outbox.record([HANGUP, OTHER_LEG], {})
        (first,) = await _due(outbox)
        later = float(int(time.time()) + 1000)
        assert await outbox.settle([settlement(first, Failed("-"), later)]) == {A: later}
        assert await outbox.due(A, (), 10) == ([], later)
        assert await outbox.settle([settlement(first, Failed("-"), 1.0)]) == {A: 1.0}
        (again,) = await _due(outbox)
        assert (again.webhook_id, again.attempts) == (first.webhook_id, 2)
        await _settle(outbox, again, Delivered("-"))
        assert _legs(await _due(outbox)) == [OTHER_LEG.channel]


async def test_a_call_that_waits_in_the_store_is_told_of_nothing_later_before_it(
    store: Store, outbox: Outbox
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await outbox.record([HANGUP], {})
    async with unwritable(store):
        await outbox.record([OTHER_LEG], {})
        (first,) = await _due(outbox)
        assert _legs([first]) == [HANGUP.channel]
        assert await _due(outbox, without=[first]) == []
        await _settle(outbox, first, Failed("-"), again=0.0)
        await outbox.record([THIRD_LEG], {})
        assert await _due(outbox) == []
    await outbox.move()
    for leg in (HANGUP, OTHER_LEG, THIRD_LEG):
        (next_one,) = await _due(outbox)
        assert _legs([next_one]) == [leg.channel]
        await _settle(outbox, next_one, Delivered("-"))


async def test_what_waits_in_memory_goes_on_when_what_was_before_it_was_delivered_meanwhile(
    store: Store, outbox: Outbox
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await outbox.record([HANGUP], {})
    async with unwritable(store):
        await outbox.record([OTHER_LEG, THIRD_LEG], {})
        (first,) = await _due(outbox)
        await _settle(outbox, first, Delivered("-"))
        assert await _due(outbox) == [], "which is not known to be so once it is in the store"
    await outbox.move()
    assert _legs(await _due(outbox)) == [OTHER_LEG.channel]


async def test_what_ended_while_the_store_was_asked_what_is_due_is_not_given_out_again(
    store: Store, outbox: Outbox
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await outbox.record([HANGUP], {})
    (first,) = await _due(outbox)
    go_on = threading.Event()
    busy = asyncio.create_task(store.read(lambda db: go_on.wait(10)))
    asked = asyncio.create_task(_due(outbox))
    await asyncio.sleep(0)
    async with unwritable(store):
        await _settle(outbox, first, Delivered("-"))
        go_on.set()
        await busy
        assert await asked == []


async def test_no_more_than_the_limit_is_given_out_and_the_rest_is_told_of(
    store: Store, outbox: Outbox
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    calls = [replace(HANGUP, call_id=str(call)) for call in range(6)]
    await outbox.record(calls[:3], {})
    async with unwritable(store):
        await outbox.record(calls[3:], {})
        seen: list[Delivery] = []
        for expected in (2, 2, 2):
            found, at = await outbox.due(A, {one.webhook_id for one in seen}, 2)
            assert len(found) == expected
            assert at is not None and at <= time.time(), "there may be more"
            seen += found
        assert await outbox.due(A, {one.webhook_id for one in seen}, 2) == ([], None)
    assert [one.call for one in seen] == [call.call_id for call in calls]


async def test_it_is_told_when_something_in_the_store_is_due(store: Store, outbox: Outbox) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await outbox.record([HANGUP], {})
    (first,) = await _due(outbox)
    later = float(int(time.time()) + 1000)
    await _settle(outbox, first, Failed("-"), again=later)
    async with unwritable(store):
        await outbox.record([OTHER_CALL], {})
        found, at = await outbox.due(A, (), 10)
        assert (len(found), at) == (1, later)


async def test_an_event_that_is_gone_is_told_of_nothing_more(store: Store, outbox: Outbox) -> None:
    stored = await subscribe(store, "http://a/", EventType.HANGUP)
    held = await subscribe(store, "http://b/", EventType.DIAL_IN)
    await outbox.record([HANGUP], {})
    async with unwritable(store):
        await outbox.record([DIAL_IN, OTHER_CALL], {})
        for origin in (A, B):
            delivery, *_ = await _due(outbox, origin)
            await _settle(outbox, delivery, Gone("HTTP status 410"))
            assert await _due(outbox, origin) == []
        assert list(await outbox.record([OTHER_CALL, replace(DIAL_IN, call_id="1")], {})) == []
    await outbox.move()
    assert await _rows(store, "state") == [("dead",), ("dead",), ("pending",)]
    found = await phone_call_events(store).find(JOHN)
    assert [(event.id, event.status) for event in found] == [
        (stored.id, Status.DISABLED),
        (held.id, Status.DISABLED),
    ]


async def test_what_waits_behind_one_that_is_gone_waits_until_the_event_is_enabled(
    store: Store, outbox: Outbox
) -> None:
    event = await subscribe(store, "http://a/", EventType.HANGUP)
    async with unwritable(store):
        await outbox.record([HANGUP, OTHER_LEG, OTHER_CALL], {})
        first, *_ = await _due(outbox)
        await _settle(outbox, first, Gone("HTTP status 410"))
        assert await _due(outbox) == []
    await outbox.move()
    assert await _due(outbox) == []
    await update(store, event, status=Status.ENABLED)
    assert sorted(_legs(await _due(outbox))) == [OTHER_CALL.channel, OTHER_LEG.channel]


async def test_a_delivery_from_memory_is_signed(store: Store, outbox: Outbox) -> None:
    row = {"id": APP, "user": 12, "name": "CRM", "created": "", "secret": "whsec_new"}
    await store.write(lambda db: db.table("apps").insert(row))
    await subscribe(store, "http://a/", EventType.HANGUP)
    async with unwritable(store):
        await outbox.record([HANGUP], {})
        (delivery,) = await _due(outbox)
        assert delivery.secrets == ("whsec_new",)


async def test_when_memory_is_full_only_what_is_in_memory_is_given_out(
    store: Store, outbox: Outbox
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await outbox.record([HANGUP], {})
    async with unwritable(store):
        await outbox.record([OTHER_CALL], {})
        await outbox.record([], {str(call): "{}" for call in range(HIGH_WATER - 1)})
        assert outbox.held == HIGH_WATER
        (held,) = await _due(outbox)
        assert held.call == OTHER_CALL.call_id
        await _settle(outbox, held, Delivered("-"))
        assert outbox.held == HIGH_WATER
    await outbox.move()
    assert outbox.held == 0
    assert [delivery.call for delivery in await _due(outbox)] == [HANGUP.call_id]


# --- when it can be written again ---


async def test_all_that_was_held_is_in_the_store_once_in_order_and_with_its_attempts(
    store: Store, outbox: Outbox, told: _Told
) -> None:
    event = await subscribe(store, "http://a/", EventType.HANGUP)
    await outbox.record([HANGUP], {"live": "1", "ended": "1"})
    async with unwritable(store):
        await outbox.record([OTHER_LEG, OTHER_CALL], {"live": "2", "ended": None, "new": "1"})
        stored, held = await _due(outbox)
        await _settle(outbox, stored, Failed("HTTP status 500", "oh"), again=0.0)
        await _settle(outbox, held, Failed("HTTP status 502"), again=1.0)
        (held,) = await _due(outbox)
        await _settle(outbox, held, Delivered("HTTP status 200", "thanks"))
        await outbox.record([replace(OTHER_CALL, channel="1.9")], {})
        with pytest.raises(StoreUnavailable):
            await outbox.move()
        assert outbox.held == 1 + 3 + 3
    assert told.origins == []
    await outbox.move()
    assert told.origins == [{A}]
    assert (store.trouble, outbox.held) == (None, 0)
    assert await _rows(store, "call", "state", "attempts") == [
        (HANGUP.call_id, "failed", 1),
        (HANGUP.call_id, "pending", 0),
        (OTHER_CALL.call_id, "delivered", 2),
        (OTHER_CALL.call_id, "pending", 0),
    ]
    of_call = {row["seq"]: row["call"] for row in await deliveries(store)}
    assert [
        (of_call[row["delivery"]], row["number"], row["outcome"], row["reason"], row["excerpt"])
        for row in await attempts(store)
    ] == [
        (HANGUP.call_id, 1, "failed", "HTTP status 500", "oh"),
        (OTHER_CALL.call_id, 1, "failed", "HTTP status 502", ""),
        (OTHER_CALL.call_id, 2, "delivered", "HTTP status 200", "thanks"),
    ]
    assert await _counts(store) == {"pending": 2, "failed": 1, "delivered": 1}
    assert sorted(await store.read(live_call_documents)) == ["1", "2"]
    assert {row["event"] for row in await deliveries(store)} == {event.id}
    first, other = await _due(outbox)
    assert _legs([first, other]) == [HANGUP.channel, "1.9"]


async def test_a_second_trouble_while_it_is_moved_loses_nothing(
    store: Store, outbox: Outbox
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await store.write(lambda db: fill_disk(db, pages_left=30))
    async with unwritable(store):
        calls = [replace(HANGUP, call_id=f"{call:020}") for call in range(300)]
        await outbox.record(calls, {"live": "{}"})
        (one,) = await _due(outbox, limit=1)
        await _settle(outbox, one, Delivered("-"))
    with pytest.raises(StoreUnavailable, match="full"):
        await outbox.move()
    assert (store.trouble is None, outbox.held) == (False, 301)
    assert await deliveries(store) == []
    await outbox.record([OTHER_LEG], {})
    await store.try_again(make_room)
    await outbox.move()
    expected = [call.call_id for call in (*calls, OTHER_LEG)]
    assert await _rows(store, "call") == [(call,) for call in expected]
    assert await _counts(store) == {"pending": 300, "delivered": 1}


async def test_what_comes_while_it_is_moved_comes_after_it(store: Store, outbox: Outbox) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    legs = [replace(HANGUP, channel=str(leg)) for leg in range(10)]
    async with unwritable(store):
        await outbox.record(legs, {})
        (first,) = await _due(outbox)
    moving = asyncio.create_task(outbox.move())
    while not moving.done():
        legs.append(replace(HANGUP, channel=str(len(legs))))
        await outbox.record([legs[-1]], {})
    await _settle(outbox, first, Delivered("-"))
    await moving
    assert outbox.held == 0
    rows = await deliveries(store)
    sent = [row["form"].partition("&")[0].removeprefix("CallID=") for row in rows]
    assert sent == [leg.channel for leg in legs]
    assert [row["state"] for row in rows] == ["delivered"] + ["pending"] * (len(legs) - 1)
    assert _legs(await _due(outbox)) == ["1"]


async def test_a_store_that_can_be_written_again_is_noticed(
    store: Store, outbox: Outbox, told: _Told, caplog: pytest.LogCaptureFixture
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    recovering = asyncio.create_task(outbox.recover())
    for call in (HANGUP, OTHER_CALL):
        async with unwritable(store):
            await outbox.record([call], {})
        await until(lambda: store.trouble is None)
    assert await _rows(store, "call") == [(HANGUP.call_id,), (OTHER_CALL.call_id,)]
    assert told.origins == [{A}, {A}]
    recovering.cancel()
    await asyncio.gather(recovering, return_exceptions=True)
    assert caplog.text.count("cannot be written: database is locked") == 2
    assert caplog.text.count("can be written again") == 2


async def test_a_disk_that_has_room_for_a_small_write_only_is_still_full(
    store: Store, outbox: Outbox
) -> None:
    await store.write(lambda db: fill_disk(db, pages_left=2))
    async with unwritable(store):
        await outbox.record([], {"live": "{}"})
    with pytest.raises(StoreUnavailable, match="full"):
        await outbox.move()
    assert outbox.held == 1


async def test_phone_call_events_are_not_changed_until_all_is_moved(
    store: Store, outbox: Outbox
) -> None:
    event = await subscribe(store, "http://a/", EventType.HANGUP)
    async with unwritable(store):
        await outbox.record([HANGUP], {})
    with pytest.raises(StoreUnavailable):
        await update(store, event, status=Status.DISABLED)
    await outbox.move()
    await update(store, event, status=Status.DISABLED)
    assert await _due(outbox) == []


async def test_a_write_that_fails_by_itself_goes_to_memory_with_all_its_changes(
    store: Store, outbox: Outbox
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await store.write(lambda db: db.execute("PRAGMA busy_timeout = 0").fetchone())
    with locked(store):
        assert set(await outbox.record([HANGUP, OTHER_LEG], {"live": "{}"})) == {A}
        assert (outbox.held, store.trouble) == (3, "database is locked")
        assert _legs(await _due(outbox)) == [HANGUP.channel]
    await outbox.move()
    assert len(await deliveries(store)) == 2
