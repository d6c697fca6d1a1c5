from dataclasses import replace
from functools import partial

from sqlite_utils import Database

from daemon.events import sight
from daemon.events.deliveries import DeliveryState, OutcomeKind
from daemon.events.phone_call_events import EventChange, EventType, Status
from daemon.events.selection import MISSED, Selection
from daemon.events.sight import Attempt, Counts, StoredDelivery, Subscriber
from daemon.store import Store
from tests.unit.daemon.events.attempts import attempt
from tests.unit.daemon.events.changes import (
    DIAL_IN,
    HANGUP,
    phone_call_events,
    put,
    subscribe,
)
from tests.unit.daemon.people import JOHN


async def _find(store: Store, newest_first: bool = True, limit: int = 100) -> list[StoredDelivery]:
    return await store.read(lambda db: sight.find(db, Selection(), newest_first, limit))


async def _fill(store: Store, *calls: str) -> None:
    for number, call in enumerate(calls):
        await put(store, replace(DIAL_IN, call_id=call), now=float(number))


async def test_the_newest_or_the_oldest_are_found_no_more_than_asked_for(store: Store) -> None:
    await subscribe(store, "http://a/")
    await _fill(store, "1", "2", "3")
    assert [each.call for each in await _find(store, limit=2)] == ["3", "2"]
    assert [each.call for each in await _find(store, False, 2)] == ["1", "2"]


async def test_the_order_is_kept_over_states_and_events(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    await _fill(store, "1", "2")
    await attempt(store, DeliveryState.DEAD, now=5.0)
    await _fill(store, "3")
    selection = Selection(event=event.id)
    found = await store.read(lambda db: sight.find(db, selection, True, 2))
    assert [(each.call, each.state) for each in found] == [("3", "pending"), ("2", "dead")]


async def test_a_delivery_is_shown_with_what_it_is_for_and_how_it_stands(store: Store) -> None:
    event = await subscribe(store, "http://a/x")
    await put(store, DIAL_IN, now=7.0)
    await attempt(store, DeliveryState.FAILED, now=8.0, again=20.0)
    (delivery,) = await _find(store)
    last = Attempt(1, 8.0, 0.25, OutcomeKind.FAILED, "HTTP status 500", "oh no")
    assert delivery.subscriber == Subscriber(JOHN, EventType.DIAL_IN, Status.ENABLED, "http://a/x")
    assert (delivery.event, delivery.call) == (event.id, DIAL_IN.call_id)
    assert delivery.parameters["CallStatus"] == "CALLING"
    assert (delivery.created, delivery.queued, delivery.ended) == (7.0, 7.0, None)
    assert (delivery.state, delivery.attempts, delivery.next_attempt) == ("failed", 1, 20.0)
    assert delivery.last_attempt == last


async def test_all_attempts_of_one_are_told_in_order(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    await put(store, DIAL_IN)
    await attempt(store, DeliveryState.FAILED, now=1.0, again=2.0)
    (id,) = await attempt(store, DeliveryState.DELIVERED, now=2.0)
    found = await store.read(partial(sight.show, webhook_id=id))
    assert found is not None
    delivery, attempts = found
    assert [(each.number, each.at, each.outcome) for each in attempts] == [
        (1, 1.0, "failed"),
        (2, 2.0, "delivered"),
    ]
    assert delivery.last_attempt == attempts[-1]
    assert delivery.ended == 2.0
    assert await store.read(partial(sight.show, webhook_id=id, event=event.id)) == found
    assert await store.read(partial(sight.show, webhook_id=id, event="another")) is None
    assert await store.read(partial(sight.show, webhook_id="unknown")) is None


async def test_there_is_no_next_attempt_while_something_is_in_the_way(store: Store) -> None:
    event = await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, HANGUP)
    first, second = await _find(store, newest_first=False)
    assert first.next_attempt is not None
    assert second.next_attempt is None, "it waits for the first"
    disable = EventChange(status=Status.DISABLED)
    await phone_call_events(store).update(JOHN, event.type, event.id, disable)
    first, _ = await _find(store, newest_first=False)
    assert first.next_attempt is None
    assert first.subscriber is not None
    assert first.subscriber.status is Status.DISABLED
    await phone_call_events(store).delete(JOHN)
    first, _ = await _find(store, newest_first=False)
    assert (first.subscriber, first.next_attempt) == (None, None)


async def test_counts_are_of_each_state_and_of_the_oldest_that_waits(store: Store) -> None:
    assert await store.read(sight.counts) == Counts(0, 0, 0, 0, None)
    await subscribe(store, "http://a/")
    for state in (DeliveryState.DEAD, DeliveryState.DELIVERED, DeliveryState.FAILED):
        await put(store, replace(DIAL_IN, call_id=state), now=3.0)
        await attempt(store, state, now=3.0)
    await put(store, replace(DIAL_IN, call_id="1"), now=4.0)
    await put(store, replace(DIAL_IN, call_id="2"), now=5.0)
    assert await store.read(sight.counts) == Counts(2, 1, 1, 1, 3.0)
    await store.write(lambda db: db.execute("DELETE FROM deliveries WHERE state = 'failed'"))
    assert await store.read(sight.counts) == Counts(2, 0, 1, 1, 4.0)


async def test_pages_are_cut_out_of_all_and_tell_how_many_there_are(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    await _fill(store, *map(str, range(5)))

    async def page(start: int, count: int, newest_first: bool = True) -> tuple[list[str], int]:
        found = await store.read(
            lambda db: sight.page(db, Selection(event=event.id), newest_first, start, count)
        )
        return [each.call for each in found.deliveries], found.total

    assert await page(0, 2) == (["4", "3"], 5)
    assert await page(3, 2) == (["1", "0"], 5)
    assert await page(4, 9, newest_first=False) == (["4"], 5)
    assert await page(5, 2) == ([], 5)


async def test_of_a_page_only_those_that_match_are_counted_and_shown(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    await _fill(store, *map(str, range(5)))
    found = await store.read(
        lambda db: sight.page(
            db, Selection(event=event.id), True, 1, 1, lambda glance: glance.created < 3.0
        )
    )
    assert ([each.call for each in found.deliveries], found.total) == (["1"], 3)


async def test_no_more_than_the_reachable_are_looked_at(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    await put(store, DIAL_IN)
    await store.write(_multiply)
    looked_at = []

    def matches(glance: sight.Glance) -> bool:
        looked_at.append(glance)
        return True

    for chosen in (None, matches):
        found = await store.read(
            lambda db, chosen=chosen: sight.page(  # type: ignore[misc]
                db, Selection(event=event.id), True, 5000, 5000, chosen
            )
        )
        assert (len(found.deliveries), found.total) == (5000, sight.REACHABLE)
    assert len(looked_at) == sight.REACHABLE
    await store.write(
        lambda db: db.execute("UPDATE deliveries SET state = iif(seq % 2, 'dead', 'failed')")
    )
    missed = Selection(MISSED, event=event.id)
    assert (await store.read(lambda db: sight.page(db, missed, True, 0, 1))).total == 10_000


def _multiply(db: Database) -> None:
    """Make of the one delivery some more than can be reached."""
    db.execute(
        """
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= 10000)
        INSERT INTO deliveries (webhook_id, event, call, form, seen, created, queued, state,
                                attempts, tried)
        SELECT webhook_id || i, event, call || i, form, seen, created, queued, 'delivered', 0, 0
        FROM deliveries, n
        """
    )
