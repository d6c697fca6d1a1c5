from dataclasses import replace

from daemon.events.outbox import (
    Delivery,
    DeliveryState,
    Outcome,
    due,
    live_call_documents,
    next_due,
    purge,
    record,
    settle,
)
from daemon.events.phone_call_events import EventChange, EventType, Method, PhoneCallEvents, Status
from daemon.store import Store
from tests.unit.daemon.events.changes import (
    ANSWER_IN,
    DIAL_IN,
    HANGUP,
    deliveries,
    put,
    subscribe,
)
from tests.unit.daemon.people import JOHN


async def _due(
    store: Store, now: float = 0.0, in_flight: tuple[int, ...] = (), limit: int = 50
) -> list[Delivery]:
    return await store.read(lambda db: due(db, now, in_flight, limit))


async def _settle(store: Store, delivery: Delivery, state: DeliveryState, at: float | None) -> None:
    outcome = Outcome(delivery.seq, state, delivery.attempts + 1, at, "HTTP status 200")
    await store.write(lambda db: settle(db, outcome, now=100.0))


async def test_a_change_makes_a_delivery_for_each_event_that_wants_it(store: Store) -> None:
    a = await subscribe(store, "http://a/", method=Method.POST)
    b = await subscribe(store, "http://b/")
    await subscribe(store, "http://c/", EventType.HANGUP)
    assert await put(store, DIAL_IN) == 2
    first, second = await _due(store)
    assert {first.url, second.url} == {a.url, b.url}
    assert first.webhook_id != second.webhook_id
    assert (first.method, first.attempts) == (Method.POST, 0)
    assert next(iter(first.parameters)) == "CallID"
    assert first.parameters["CallerIDName"] == "Mary & José"


async def test_a_leg_of_no_extension_is_told_to_nobody(store: Store) -> None:
    await subscribe(store, "http://a/")
    assert await put(store, replace(DIAL_IN, extension=None)) == 0


async def test_an_event_that_is_disabled_when_the_call_comes_is_not_told_of_it(
    store: Store,
) -> None:
    await subscribe(store, "http://a/", status=Status.DISABLED)
    assert await put(store, DIAL_IN) == 0


async def test_of_one_event_and_call_only_the_earliest_is_sent(store: Store) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, replace(HANGUP, channel="1795295748.2"))
    (first,) = await _due(store)
    assert first.parameters["CallID"] == HANGUP.channel
    await _settle(store, first, DeliveryState.PENDING, at=5.0)
    assert await _due(store, now=4.0) == [], "the second waits while the first is retried"
    assert [d.seq for d in await _due(store, now=5.0)] == [first.seq]
    await _settle(store, first, DeliveryState.DELIVERED, at=None)
    (second,) = await _due(store)
    assert second.parameters["CallID"] == "1795295748.2"


async def test_a_dead_delivery_does_not_block_the_next(store: Store) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, replace(HANGUP, channel="1795295748.2"))
    (first,) = await _due(store)
    await _settle(store, first, DeliveryState.DEAD, at=None)
    (second,) = await _due(store)
    assert second.seq != first.seq


async def test_other_calls_and_other_events_do_not_wait_for_one_that_hangs(
    store: Store,
) -> None:
    await subscribe(store, "http://a/", EventType.DIAL_IN)
    await subscribe(store, "http://b/", EventType.ANSWER_IN)
    await put(store, DIAL_IN, ANSWER_IN, replace(DIAL_IN, call_id="0" * 20))
    hanging, *_ = await _due(store)
    rest = await _due(store, in_flight=(hanging.seq,))
    assert [(d.url, d.parameters["CallAPIID"]) for d in rest] == [
        ("http://b/", DIAL_IN.call_id),
        ("http://a/", "0" * 20),
    ]


async def test_what_is_on_its_way_is_not_given_out_again(store: Store) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, HANGUP)
    (first,) = await _due(store)
    assert await _due(store, in_flight=(first.seq,)) == []


async def test_no_more_than_the_limit_is_given_out_longest_waiting_first(store: Store) -> None:
    await subscribe(store, "http://a/")
    for number, now in enumerate((3.0, 1.0, 2.0)):
        await put(store, replace(DIAL_IN, call_id=str(number)), now=now)
    given = await _due(store, now=10.0, limit=2)
    assert [d.parameters["CallAPIID"] for d in given] == ["1", "2"]


async def test_deliveries_of_a_disabled_event_wait_until_it_is_enabled(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    await put(store, DIAL_IN)
    events = PhoneCallEvents(store)
    disable, enable = EventChange(status=Status.DISABLED), EventChange(status=Status.ENABLED)
    await events.update(JOHN, event.type, event.id, disable)
    assert await _due(store) == []
    assert await store.read(lambda db: next_due(db, -1.0)) is None
    await events.update(JOHN, event.type, event.id, enable)
    assert len(await _due(store)) == 1


async def test_a_retry_goes_to_the_url_that_the_event_has_then(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    await put(store, DIAL_IN)
    change = EventChange(url="http://new/", method=Method.POST)
    await PhoneCallEvents(store).update(JOHN, event.type, event.id, change)
    (delivery,) = await _due(store)
    assert (delivery.url, delivery.method) == ("http://new/", Method.POST)


async def test_the_next_attempt_is_known_until_all_have_their_end(store: Store) -> None:
    await subscribe(store, "http://a/")
    await put(store, DIAL_IN, now=7.0)
    assert await store.read(lambda db: next_due(db, 0.0)) == 7.0
    (delivery,) = await _due(store, now=7.0)
    await _settle(store, delivery, DeliveryState.PENDING, at=12.5)
    assert await store.read(lambda db: next_due(db, 7.0)) == 12.5
    await _settle(store, delivery, DeliveryState.DELIVERED, at=None)
    assert await store.read(lambda db: next_due(db, 0.0)) is None
    (row,) = await deliveries(store)
    assert (row["state"], row["outcome"]) == ("delivered", "HTTP status 200")


async def test_calls_are_kept_while_they_live(store: Store) -> None:
    async def keep(documents: dict[str, str | None]) -> list[str]:
        await store.write(lambda db: record(db, [], documents, 0.0))
        return sorted(await store.read(live_call_documents))

    assert await keep({"a": "1", "b": "2"}) == ["1", "2"]
    assert await keep({"a": "3", "c": None}) == ["2", "3"]
    assert await keep({"a": None}) == ["2"]


async def test_what_has_ended_is_forgotten_after_a_while_and_what_waits_is_not(
    store: Store,
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, replace(HANGUP, channel="1795295748.2"))
    (delivered,) = await _due(store)
    await _settle(store, delivered, DeliveryState.DELIVERED, at=None)  # at 100.0
    await store.write(lambda db: purge(db, ended_before=100.0))
    assert len(await deliveries(store)) == 2
    await store.write(lambda db: purge(db, ended_before=100.1))
    (waiting,) = await deliveries(store)
    assert waiting["state"] == "pending"
