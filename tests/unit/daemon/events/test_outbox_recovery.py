"""A store that can be written again has all that was held meanwhile."""

import asyncio
from dataclasses import replace

import pytest

from daemon.events.deliveries import Delivered, Failed
from daemon.events.outbox import Outbox
from daemon.events.outbox_sql import live_call_documents
from daemon.events.phone_call_events import EventType, Status
from daemon.store import Store, StoreUnavailable
from tests.unit.daemon.events.changes import (
    HANGUP,
    attempts,
    deliveries,
    subscribe,
    update,
)
from tests.unit.daemon.events.outbox_in_use import (
    OTHER_CALL,
    OTHER_LEG,
    A,
    Told,
    counts,
    due_of,
    legs_of,
    rows_of,
    settle_in,
)
from tests.unit.daemon.unwritable import fill_disk, locked, make_room, unwritable
from tests.unit.waiting import until


async def test_all_that_was_held_is_in_the_store_once_in_order_and_with_its_attempts(
    store: Store, outbox: Outbox, told: Told
) -> None:
    event = await subscribe(store, "http://a/", EventType.HANGUP)
    await outbox.record([HANGUP], {"live": "1", "ended": "1"})
    async with unwritable(store):
        await outbox.record([OTHER_LEG, OTHER_CALL], {"live": "2", "ended": None, "new": "1"})
        stored, held = await due_of(outbox)
        await settle_in(outbox, stored, Failed("HTTP status 500", "oh"), again=0.0)
        await settle_in(outbox, held, Failed("HTTP status 502"), again=1.0)
        (held,) = await due_of(outbox)
        await settle_in(outbox, held, Delivered("HTTP status 200", "thanks"))
        await outbox.record([replace(OTHER_CALL, channel="1.9")], {})
        with pytest.raises(StoreUnavailable):
            await outbox.move()
        assert outbox.held == 1 + 3 + 3
    assert told.origins == []
    await outbox.move()
    assert told.origins == [{A}]
    assert (store.trouble, outbox.held) == (None, 0)
    assert await rows_of(store, "call", "state", "attempts") == [
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
    assert await counts(store) == {"pending": 2, "failed": 1, "delivered": 1}
    assert sorted(await store.read(live_call_documents)) == ["1", "2"]
    assert {row["event"] for row in await deliveries(store)} == {event.id}
    first, other = await due_of(outbox)
    assert legs_of([first, other]) == [HANGUP.channel, "1.9"]


async def test_a_second_trouble_while_it_is_moved_loses_nothing(
    store: Store, outbox: Outbox
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await store.write(lambda db: fill_disk(db, pages_left=30))
    async with unwritable(store):
        calls = [replace(HANGUP, call_id=f"{call:020}") for call in range(300)]
        await outbox.record(calls, {"live": "{}"})
        (one,) = await due_of(outbox, limit=1)
        await settle_in(outbox, one, Delivered("-"))
    with pytest.raises(StoreUnavailable, match="full"):
        await outbox.move()
    assert (store.trouble is None, outbox.held) == (False, 301)
    assert await deliveries(store) == []
    await outbox.record([OTHER_LEG], {})
    await store.try_again(make_room)
    await outbox.move()
    expected = [call.call_id for call in (*calls, OTHER_LEG)]
    assert await rows_of(store, "call") == [(call,) for call in expected]
    assert await counts(store) == {"pending": 300, "delivered": 1}


async def test_what_comes_while_it_is_moved_comes_after_it(store: Store, outbox: Outbox) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    legs = [replace(HANGUP, channel=str(leg)) for leg in range(10)]
    async with unwritable(store):
        await outbox.record(legs, {})
        (first,) = await due_of(outbox)
    moving = asyncio.create_task(outbox.move())
    while not moving.done():
        legs.append(replace(HANGUP, channel=str(len(legs))))
        await outbox.record([legs[-1]], {})
    await settle_in(outbox, first, Delivered("-"))
    await moving
    assert outbox.held == 0
    rows = await deliveries(store)
    sent = [row["form"].partition("&")[0].removeprefix("CallID=") for row in rows]
    assert sent == [leg.channel for leg in legs]
    assert [row["state"] for row in rows] == ["delivered"] + ["pending"] * (len(legs) - 1)
    assert legs_of(await due_of(outbox)) == ["1"]


async def test_a_store_that_can_be_written_again_is_noticed(
    store: Store, outbox: Outbox, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    recovering = asyncio.create_task(outbox.recover())
    for call in (HANGUP, OTHER_CALL):
        async with unwritable(store):
            await outbox.record([call], {})
        await until(lambda: store.trouble is None)
    assert await rows_of(store, "call") == [(HANGUP.call_id,), (OTHER_CALL.call_id,)]
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
    assert await due_of(outbox) == []


async def test_a_write_that_fails_by_itself_goes_to_memory_with_all_its_changes(
    store: Store, outbox: Outbox
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await store.write(lambda db: db.execute("PRAGMA busy_timeout = 0").fetchone())
    with locked(store):
        assert set(await outbox.record([HANGUP, OTHER_LEG], {"live": "{}"})) == {A}
        assert (outbox.held, store.trouble) == (3, "database is locked")
        assert legs_of(await due_of(outbox)) == [HANGUP.channel]
    await outbox.move()
    assert len(await deliveries(store)) == 2
