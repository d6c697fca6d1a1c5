from dataclasses import replace
from functools import partial
from urllib.parse import parse_qsl

import pytest

from daemon.calls.model import CallChange
from daemon.events import replay, sight
from daemon.events.deliveries import Delivery, DeliveryState, Settlement
from daemon.events.outbox_sql import settle
from daemon.events.phone_call_events import EventChange, EventType, PhoneCallEvent, Status
from daemon.events.replay import Replay, Replays
from daemon.events.selection import MISSED, Selection, walk
from daemon.store import Store
from tests.unit.daemon.events.attempts import OK, attempt, due
from tests.unit.daemon.events.changes import (
    HANGUP,
    deliveries,
    phone_call_events,
    put,
    subscribe,
)
from tests.unit.daemon.people import JOHN

ORIGIN = "http://a:80"


def hangup(number: int, call: str = HANGUP.call_id) -> CallChange:
    """The Hangup of the leg with that number, which its deliveries are told apart by."""
    return replace(HANGUP, channel=f"leg {number}", call_id=call)


@pytest.fixture
async def event(store: Store) -> PhoneCallEvent:
    return await subscribe(store, "http://a/", EventType.HANGUP)


async def _retry(store: Store, *ids: str, now: float = 100.0) -> Replays:
    return await store.write(lambda db: replay.retry(db, ids, now))


async def _portions(store: Store, selection: Selection, limit: int) -> list[list[int]]:
    return await store.read(lambda db: list(walk(db, selection, limit)))


async def _retry_all(store: Store, now: float = 100.0, limit: int = 200) -> int:
    """As the commands do, in portions; how many were put back."""
    total = 0
    for seqs in await _portions(store, Selection(MISSED), limit):
        replays = await store.write(partial(replay.retry_missed, seqs=seqs, now=now))
        total += len(replays.queued)
    return total


async def _purge(store: Store, *states: DeliveryState, limit: int = 200) -> int:
    total = 0
    for seqs in await _portions(store, Selection(frozenset(states)), limit):
        total += await store.write(partial(replay.purge, seqs=seqs, states=states, now=100.0))
    return total


def _legs(found: list[Delivery]) -> list[str]:
    return [dict(parse_qsl(delivery.form))["CallID"] for delivery in found]


async def _sent(store: Store, now: float) -> list[str]:
    """Deliver what is due, and then what has become due by that, to the end; the legs in order."""
    legs = []
    while found := await due(store, now):
        legs += _legs(found)
        await attempt(store, DeliveryState.DELIVERED, now)
    return legs


@pytest.mark.parametrize("state", ["dead", "failed", "delivered"])
async def test_what_is_named_is_sent_again_with_its_id_and_the_whole_schedule(
    store: Store, event: PhoneCallEvent, state: str
) -> None:
    await put(store, hangup(1))
    (id,) = await attempt(store, DeliveryState(state), now=1.0)
    assert await due(store, 100.0) == []
    assert await _retry(store, id) == Replays({id: Replay.QUEUED}, {ORIGIN})
    (again,) = await due(store, 100.0)
    assert (again.webhook_id, again.attempts, again.queued) == (id, 0, 100.0)
    counts = await store.read(sight.counts)
    assert (counts.pending, counts.failed, counts.delivered, counts.dead) == (1, 0, 0, 0)
    await attempt(store, DeliveryState.DELIVERED, now=101.0)
    found = await store.read(partial(sight.show, webhook_id=id))
    assert found is not None
    assert [each.number for each in found[1]] == [1, 2], "earlier attempts are not forgotten"
    assert found[0].ended == 101.0


async def test_one_without_an_attempt_is_left_as_it_is(store: Store, event: PhoneCallEvent) -> None:
    await put(store, hangup(1), hangup(2), now=5.0)
    before = await deliveries(store)
    replays = await _retry(store, *(row["webhook_id"] for row in before))
    assert set(replays.found.values()) == {Replay.PENDING}
    assert await deliveries(store) == before


async def test_an_unknown_id_is_told(store: Store) -> None:
    assert await _retry(store, "msg_1") == Replays({"msg_1": Replay.UNKNOWN}, set())


async def test_of_a_deleted_event_nothing_is_put_back(store: Store, event: PhoneCallEvent) -> None:
    await put(store, hangup(1))
    (id,) = await attempt(store, DeliveryState.DEAD)
    await phone_call_events(store).delete(JOHN)
    assert await _retry(store, id) == Replays({id: Replay.ORPHANED}, set())
    assert await _retry_all(store) == 0


async def test_of_a_disabled_event_it_waits_until_that_is_enabled(
    store: Store, event: PhoneCallEvent
) -> None:
    await put(store, hangup(1))
    (id,) = await attempt(store, DeliveryState.DEAD)
    events = phone_call_events(store)
    await events.update(JOHN, event.type, event.id, EventChange(status=Status.DISABLED))
    replays = await _retry(store, id)
    assert replays.found == {id: Replay.WAITS}
    assert replays.queued == [id]
    assert await due(store, 100.0) == []
    await events.update(JOHN, event.type, event.id, EventChange(status=Status.ENABLED))
    assert len(await due(store, 100.0)) == 1


async def test_several_of_one_call_are_sent_again_in_their_order(
    store: Store, event: PhoneCallEvent
) -> None:
    await put(store, hangup(1), hangup(2), hangup(3))
    for _ in range(3):
        await attempt(store, DeliveryState.DEAD)
    assert await _retry_all(store) == 3
    assert len(await due(store, 100.0)) == 1, "one at a time"
    assert await _sent(store, 100.0) == ["leg 1", "leg 2", "leg 3"]


async def test_ids_in_any_order_are_sent_in_that_of_the_call(
    store: Store, event: PhoneCallEvent
) -> None:
    await put(store, hangup(1), hangup(2))
    (first,) = await attempt(store, DeliveryState.DEAD)
    (second,) = await attempt(store, DeliveryState.DEAD)
    await _retry(store, second, first)
    assert await _sent(store, 100.0) == ["leg 1", "leg 2"]


async def test_a_later_one_waits_for_an_earlier_one_that_still_waits(
    store: Store, event: PhoneCallEvent
) -> None:
    await put(store, hangup(1), hangup(2))
    (first,) = await attempt(store, DeliveryState.DEAD)
    (second,) = await attempt(store, DeliveryState.DELIVERED)
    await _retry(store, first)
    await _retry(store, second)
    assert await _sent(store, 100.0) == ["leg 1", "leg 2"]


async def test_an_earlier_one_holds_up_none_but_those_that_have_not_begun(
    store: Store, event: PhoneCallEvent
) -> None:
    await put(store, hangup(1), hangup(2), hangup(3))
    (first,) = await attempt(store, DeliveryState.DEAD, now=1.0)
    await attempt(store, DeliveryState.FAILED, now=2.0, again=50.0)  # the second has begun
    await _retry(store, first)
    assert sorted(_legs(await due(store, 100.0))) == ["leg 1", "leg 2"]
    await attempt(store, DeliveryState.DELIVERED, now=100.0)
    assert await _sent(store, 100.0) == ["leg 3"]


async def test_a_chain_goes_on_whichever_of_its_heads_ends_first(
    store: Store, event: PhoneCallEvent
) -> None:
    await put(store, hangup(1), hangup(2), hangup(3))
    (first,) = await attempt(store, DeliveryState.DEAD, now=1.0)
    await attempt(store, DeliveryState.FAILED, now=2.0, again=50.0)
    await _retry(store, first, now=60.0)
    assert len(await attempt(store, DeliveryState.DELIVERED, now=55.0)) == 1  # the second
    assert await due(store, 55.0) == []
    assert await _sent(store, 60.0) == ["leg 1", "leg 3"]


async def test_a_failed_one_is_due_at_once_and_those_behind_it_still_wait(
    store: Store, event: PhoneCallEvent
) -> None:
    await put(store, hangup(1), hangup(2))
    await attempt(store, DeliveryState.FAILED, now=1.0, again=9999.0)
    assert await _retry_all(store) == 1
    assert _legs(await due(store, 100.0)) == ["leg 1"]
    assert await _sent(store, 100.0) == ["leg 1", "leg 2"]


async def test_how_an_attempt_ends_that_was_on_its_way_is_what_counts(
    store: Store, event: PhoneCallEvent
) -> None:
    await put(store, hangup(1), hangup(2))
    (id,) = await attempt(store, DeliveryState.FAILED, now=1.0, again=50.0)
    on_its_way = await due(store, 50.0)
    await _retry(store, id, now=51.0)
    ended = [Settlement(each, OK, 50.0, 2.0, DeliveryState.DELIVERED, None) for each in on_its_way]
    await store.write(lambda db: settle(db, ended, 52.0))
    assert await _sent(store, 100.0) == ["leg 2"]


@pytest.mark.parametrize("limit", [1, 3, 200])
async def test_all_are_put_back_in_steps_each_once(
    store: Store, event: PhoneCallEvent, limit: int
) -> None:
    for number in range(7):
        await put(store, hangup(number, call=str(number)))
    await attempt(store, DeliveryState.DEAD)
    for number in range(7, 10):
        await put(store, hangup(number, call=str(number)))
    await attempt(store, DeliveryState.FAILED, now=1.0)
    await put(store, hangup(10, call="10"))
    await attempt(store, DeliveryState.DELIVERED, now=1.0)
    assert await _retry_all(store, limit=limit) == 10
    assert len(await due(store, 100.0)) == 10


async def test_one_that_fails_again_meanwhile_is_not_put_back_twice(
    store: Store, event: PhoneCallEvent
) -> None:
    await put(store, hangup(1))
    (id,) = await attempt(store, DeliveryState.DEAD)
    await _retry(store, id, now=100.0)
    await attempt(store, DeliveryState.DEAD, now=101.0)
    assert await _retry_all(store, now=100.0) == 0
    assert await _retry_all(store, now=102.0) == 1


async def test_one_that_was_delivered_meanwhile_is_not_put_back_with_the_others(
    store: Store, event: PhoneCallEvent
) -> None:
    await put(store, hangup(1))
    await attempt(store, DeliveryState.FAILED, again=1.0)
    (seqs,) = await _portions(store, Selection(MISSED), 200)
    await attempt(store, DeliveryState.DELIVERED, now=1.0)
    assert await store.write(partial(replay.retry_missed, seqs=seqs, now=100.0)) == Replays()


async def test_purge_deletes_what_is_chosen_with_its_attempts(
    store: Store, event: PhoneCallEvent
) -> None:
    for number in range(5):
        await put(store, hangup(number, call=str(number)))
    await attempt(store, DeliveryState.FAILED, again=1.0)
    await attempt(store, DeliveryState.DELIVERED, now=1.0)
    await put(store, hangup(5, call="5"))
    assert await store.read(lambda db: db.table("earlier_attempts").count) == 5
    assert await _purge(store, DeliveryState.DELIVERED, DeliveryState.DEAD, limit=2) == 5
    assert [row["call"] for row in await deliveries(store)] == ["5"]
    assert await store.read(lambda db: db.table("earlier_attempts").count) == 0
    assert (await store.read(sight.counts)).delivered == 0


async def test_one_that_was_put_back_meanwhile_is_not_deleted(
    store: Store, event: PhoneCallEvent
) -> None:
    await put(store, hangup(1))
    (id,) = await attempt(store, DeliveryState.DEAD)
    (seqs,) = await _portions(store, Selection(MISSED), 200)
    await _retry(store, id)
    purge = partial(replay.purge, seqs=seqs, states={DeliveryState.DEAD}, now=100.0)
    assert await store.write(purge) == 0
    assert await _sent(store, 100.0) == ["leg 1"]


@pytest.mark.parametrize("limit", [1, 200])
async def test_what_was_behind_a_deleted_one_goes_on(
    store: Store, event: PhoneCallEvent, limit: int
) -> None:
    await put(store, hangup(1), hangup(2), now=1.0)
    await attempt(store, DeliveryState.FAILED, now=1.0)
    assert await _purge(store, DeliveryState.FAILED, limit=limit) == 1
    assert await _sent(store, 100.0) == ["leg 2"]


async def test_when_all_that_waits_is_deleted_nothing_is_due(
    store: Store, event: PhoneCallEvent
) -> None:
    await put(store, hangup(1), hangup(2), now=1.0)
    assert await _purge(store, DeliveryState.PENDING, limit=1) == 2
    assert await due(store, 100.0) == []
    (row,) = await store.read(lambda db: list(db.query("SELECT wake_at FROM phone_call_events")))
    assert row["wake_at"] is None
