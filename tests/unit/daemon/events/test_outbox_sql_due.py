"""What is due, and what changes of a PhoneCallEvent do to it."""

from dataclasses import replace

from daemon.events.deliveries import Delivered, Gone
from daemon.events.phone_call_events import EventType, Status
from daemon.store import Store
from tests.unit.daemon.events.changes import (
    DIAL_IN,
    HANGUP,
    deliveries,
    due,
    due_and_next,
    phone_call_events,
    put,
    settle,
    subscribe,
    update,
)
from tests.unit.daemon.events.outbox_in_use import OTHER_LEG, A, B, leg_of
from tests.unit.daemon.people import JOHN

OTHER_CALL = replace(DIAL_IN, call_id="0" * 20)


async def test_what_is_on_its_way_is_not_given_out_again(store: Store) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, HANGUP)
    (first,) = await due(store, A)
    assert await due_and_next(store, A, without=[first]) == ([], None)


async def test_no_more_than_the_limit_is_given_out_longest_waiting_first(store: Store) -> None:
    await subscribe(store, "http://a/", EventType.DIAL_IN)
    await subscribe(store, "http://a/2", EventType.HANGUP)
    await subscribe(store, "http://b/", EventType.HANGUP)
    for call, change, now in (("1", DIAL_IN, 3.0), ("2", HANGUP, 1.0), ("3", DIAL_IN, 2.0)):
        await put(store, replace(change, call_id=call), now=now)
    given, at = await due_and_next(store, A, now=10.0, limit=2)
    assert [d.call for d in given] == ["2", "3"]
    assert at == 10.0, "there may be more"
    rest, at = await due_and_next(store, A, now=10.0, without=given, limit=2)
    assert [d.call for d in rest] == ["1"]
    assert at is None


async def test_it_is_told_when_more_is_due_be_it_of_the_same_event_or_of_another(
    store: Store,
) -> None:
    await subscribe(store, "http://a/", EventType.DIAL_IN)
    await subscribe(store, "http://a/2", EventType.HANGUP)
    await put(store, DIAL_IN, now=10.0)
    await put(store, OTHER_CALL, now=30.0)
    await put(store, HANGUP, now=20.0)
    for now, more in ((5.0, 10.0), (10.0, 20.0), (20.0, 30.0), (30.0, None)):
        given, at = await due_and_next(store, A, now=now)
        assert at == more
        assert await due_and_next(store, A, now=now, without=given) == ([], more)


async def test_only_what_goes_to_this_server_is_due(store: Store) -> None:
    await subscribe(store, "http://a/")
    await put(store, DIAL_IN, now=5.0)
    assert await due_and_next(store, B, now=10.0) == ([], None)


# --- changes of a PhoneCallEvent ---


async def test_deliveries_of_a_disabled_event_wait_until_it_is_enabled(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    await put(store, DIAL_IN)
    await update(store, event, status=Status.DISABLED)
    assert await due_and_next(store, A, now=1e9) == ([], None)
    await update(store, event, status=Status.ENABLED)
    assert len(await due(store, A)) == 1


async def test_a_retry_that_ends_while_its_event_is_disabled_waits_too(store: Store) -> None:
    event = await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, OTHER_LEG)
    (first,) = await due(store, A)
    await update(store, event, status=Status.DISABLED)
    assert await settle(store, first, Delivered("-")) == {A: None}
    assert await due_and_next(store, A, now=1e9) == ([], None)
    await update(store, event, status=Status.ENABLED)
    (second,) = await due(store, A, now=100.0)
    assert leg_of(second) == OTHER_LEG.channel


async def test_what_waits_goes_to_the_url_and_by_the_method_that_the_event_has_then(
    store: Store,
) -> None:
    event = await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, OTHER_LEG)
    (first,) = await due(store, A)
    await update(store, event, url="http://b/new")
    assert await due_and_next(store, A, now=1e9) == ([], None)
    assert [delivery.url for delivery in await due(store, B)] == ["http://b/new"]
    assert await settle(store, first, Delivered("-")) == {B: 100.0}, "the new server goes on"
    (second,) = await due(store, B, now=100.0)
    assert leg_of(second) == OTHER_LEG.channel


async def test_the_end_of_an_attempt_whose_event_was_deleted_changes_nothing(
    store: Store,
) -> None:
    event = await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, OTHER_LEG)
    (first,) = await due(store, A)
    await phone_call_events(store).delete(JOHN, event.type, event.id)
    assert await settle(store, first, Delivered("-")) == {}
    assert await due_and_next(store, A, now=1e9) == ([], None)


async def test_gone_disables_the_event_and_leaves_its_note_and_what_waits(store: Store) -> None:
    event = await subscribe(store, "http://a/", EventType.HANGUP)
    other = await subscribe(store, "http://a/2", EventType.HANGUP)
    await put(store, HANGUP, OTHER_LEG)
    gone = next(d for d in await due(store, A) if d.event == event.id)
    await settle(store, gone, Gone("HTTP status 410"))
    found = {each.id: each for each in await phone_call_events(store).find(JOHN)}
    disabled = found[event.id]
    assert (disabled.status, disabled.note) == (Status.DISABLED, event.note)
    assert disabled.modified.timestamp() == 100.0
    assert found[other.id] == other
    waiting = [row for row in await deliveries(store) if row["event"] == event.id]
    assert [row["state"] for row in waiting] == ["dead", "pending"]
    assert {d.event for d in await due(store, A, now=1e9)} == {other.id}
    await update(store, disabled, status=Status.ENABLED)
    again = [d for d in await due(store, A, now=100.0) if d.event == event.id]
    assert [leg_of(d) for d in again] == [OTHER_LEG.channel]
