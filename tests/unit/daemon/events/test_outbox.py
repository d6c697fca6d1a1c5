import asyncio
import threading
import time
from dataclasses import replace

from daemon.events.deliveries import Delivered, Delivery, Failed, Gone
from daemon.events.outbox import HIGH_WATER, Outbox
from daemon.events.outbox_sql import live_call_documents
from daemon.events.phone_call_events import EventType, Status
from daemon.store import Store
from tests.unit.daemon.events.changes import (
    APP,
    DIAL_IN,
    HANGUP,
    phone_call_events,
    settlement,
    subscribe,
    update,
)
from tests.unit.daemon.events.outbox_in_use import (
    OTHER_CALL,
    OTHER_LEG,
    THIRD_LEG,
    A,
    B,
    Told,
    due_of,
    legs_of,
    rows_of,
    settle_in,
)
from tests.unit.daemon.people import JOHN
from tests.unit.daemon.unwritable import unwritable

# --- while all is well ---


async def test_what_is_recorded_is_due_until_it_is_settled(store: Store, outbox: Outbox) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    assert set(await outbox.record([HANGUP, OTHER_LEG], {"call": "{}"})) == {A}
    (first,) = await due_of(outbox)
    assert await due_of(outbox, without=[first]) == []
    assert (await outbox.settle([settlement(first, Delivered("-"))])).keys() == {A}
    assert legs_of(await due_of(outbox)) == [OTHER_LEG.channel]
    assert await store.read(live_call_documents) == ["{}"]
    assert outbox.held == 0
    ((origin, at),) = await outbox.origins_after("", 10)
    assert (origin, at <= time.time()) == (A, True)


async def test_the_first_attempt_is_after_the_wait_of_the_schedule(store: Store) -> None:
    outbox = Outbox(store, 100.0, Told())
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
        stored, held = await due_of(outbox)
        assert (stored.call, held.call) == (HANGUP.call_id, OTHER_CALL.call_id)
        assert held.url == "http://a/"
        assert (await outbox.settle([settlement(held, Delivered("-"))])) == {A: None}
        await settle_in(outbox, stored, Delivered("-"))
        assert await due_of(outbox) == []
        assert await rows_of(store, "state") == [("pending",)], "it is not written yet"
        assert outbox.held == 3


async def test_what_has_settled_meanwhile_is_not_given_out_again(
    store: Store, outbox: Outbox
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await outbox.record([HANGUP, OTHER_LEG, OTHER_CALL], {})
    first, other = await due_of(outbox)
    async with unwritable(store):
        await settle_in(outbox, first, Delivered("-"))
        await settle_in(outbox, other, Failed("-"), again=0.0)
        assert await due_of(outbox) == []


async def test_what_fails_in_memory_is_tried_again_in_memory(store: Store, outbox: Outbox) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    async with unwritable(store):
        await outbox.record([HANGUP, OTHER_LEG], {})
        (first,) = await due_of(outbox)
        later = float(int(time.time()) + 1000)
        assert await outbox.settle([settlement(first, Failed("-"), later)]) == {A: later}
        assert await outbox.due(A, (), 10) == ([], later)
        assert await outbox.settle([settlement(first, Failed("-"), 1.0)]) == {A: 1.0}
        (again,) = await due_of(outbox)
        assert (again.webhook_id, again.attempts) == (first.webhook_id, 2)
        await settle_in(outbox, again, Delivered("-"))
        assert legs_of(await due_of(outbox)) == [OTHER_LEG.channel]


async def test_a_call_that_waits_in_the_store_is_told_of_nothing_later_before_it(
    store: Store, outbox: Outbox
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await outbox.record([HANGUP], {})
    async with unwritable(store):
        await outbox.record([OTHER_LEG], {})
        (first,) = await due_of(outbox)
        assert legs_of([first]) == [HANGUP.channel]
        assert await due_of(outbox, without=[first]) == []
        await settle_in(outbox, first, Failed("-"), again=0.0)
        await outbox.record([THIRD_LEG], {})
        assert await due_of(outbox) == []
    await outbox.move()
    for leg in (HANGUP, OTHER_LEG, THIRD_LEG):
        (next_one,) = await due_of(outbox)
        assert legs_of([next_one]) == [leg.channel]
        await settle_in(outbox, next_one, Delivered("-"))


async def test_what_waits_in_memory_goes_on_when_what_was_before_it_was_delivered_meanwhile(
    store: Store, outbox: Outbox
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await outbox.record([HANGUP], {})
    async with unwritable(store):
        await outbox.record([OTHER_LEG, THIRD_LEG], {})
        (first,) = await due_of(outbox)
        await settle_in(outbox, first, Delivered("-"))
        assert await due_of(outbox) == [], "which is not known to be so once it is in the store"
    await outbox.move()
    assert legs_of(await due_of(outbox)) == [OTHER_LEG.channel]


async def test_what_ended_while_the_store_was_asked_what_is_due_is_not_given_out_again(
    store: Store, outbox: Outbox
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await outbox.record([HANGUP], {})
    (first,) = await due_of(outbox)
    go_on = threading.Event()
    busy = asyncio.create_task(store.read(lambda db: go_on.wait(10)))
    asked = asyncio.create_task(due_of(outbox))
    await asyncio.sleep(0)
    async with unwritable(store):
        await settle_in(outbox, first, Delivered("-"))
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
    (first,) = await due_of(outbox)
    later = float(int(time.time()) + 1000)
    await settle_in(outbox, first, Failed("-"), again=later)
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
            delivery, *_ = await due_of(outbox, origin)
            await settle_in(outbox, delivery, Gone("HTTP status 410"))
            assert await due_of(outbox, origin) == []
        assert list(await outbox.record([OTHER_CALL, replace(DIAL_IN, call_id="1")], {})) == []
    await outbox.move()
    assert await rows_of(store, "state") == [("dead",), ("dead",), ("pending",)]
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
        first, *_ = await due_of(outbox)
        await settle_in(outbox, first, Gone("HTTP status 410"))
        assert await due_of(outbox) == []
    await outbox.move()
    assert await due_of(outbox) == []
    await update(store, event, status=Status.ENABLED)
    assert sorted(legs_of(await due_of(outbox))) == [OTHER_CALL.channel, OTHER_LEG.channel]


async def test_a_delivery_from_memory_is_signed(store: Store, outbox: Outbox) -> None:
    row = {"id": APP, "user": 12, "name": "CRM", "created": "", "secret": "whsec_new"}
    await store.write(lambda db: db.table("apps").insert(row))
    await subscribe(store, "http://a/", EventType.HANGUP)
    async with unwritable(store):
        await outbox.record([HANGUP], {})
        (delivery,) = await due_of(outbox)
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
        (held,) = await due_of(outbox)
        assert held.call == OTHER_CALL.call_id
        await settle_in(outbox, held, Delivered("-"))
        assert outbox.held == HIGH_WATER
    await outbox.move()
    assert outbox.held == 0
    assert [delivery.call for delivery in await due_of(outbox)] == [HANGUP.call_id]
