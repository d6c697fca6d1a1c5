from dataclasses import replace

import pytest

from daemon.calls.model import Seen
from daemon.events.deliveries import Delivered, Failed, Gone, Refused
from daemon.events.housekeeping import expire
from daemon.events.matching import form
from daemon.events.outbox_sql import live_call_documents, record
from daemon.events.phone_call_events import EventType, Method, Status
from daemon.store import Store
from tests.unit.daemon.events.changes import (
    ANSWER_IN,
    APP,
    DIAL_IN,
    HANGUP,
    attempts,
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
from tests.unit.daemon.people import JOHN, MARY

OTHER_CALL = replace(DIAL_IN, call_id="0" * 20)


# --- what is recorded ---


async def test_a_change_makes_a_delivery_for_each_event_that_wants_it(store: Store) -> None:
    a = await subscribe(store, "http://a/", method=Method.POST)
    b = await subscribe(store, "http://b/")
    await subscribe(store, "http://c/", EventType.HANGUP)
    await subscribe(store, "http://d/", extension=MARY)
    assert await put(store, DIAL_IN) == {A, B}
    (first,), (second,) = await due(store, A), await due(store, B)
    assert (first.event, second.event) == (a.id, b.id)
    assert first.webhook_id != second.webhook_id
    assert (first.method, first.type, first.extension, first.attempts) == (
        *(Method.POST, EventType.DIAL_IN, JOHN, 0),
    )
    assert (first.call, first.form) == (DIAL_IN.call_id, form(DIAL_IN))
    assert len(await deliveries(store)) == 2


async def test_a_leg_of_no_extension_is_told_to_nobody(store: Store) -> None:
    await subscribe(store, "http://a/")
    assert await put(store, replace(DIAL_IN, extension=None)) == set()
    assert await deliveries(store) == []


async def test_an_event_that_is_disabled_when_the_call_comes_is_not_told_of_it(
    store: Store,
) -> None:
    event = await subscribe(store, "http://a/", status=Status.DISABLED)
    assert await put(store, DIAL_IN) == set()
    await update(store, event, status=Status.ENABLED)
    assert await due(store, A, now=1e9) == []


async def test_an_event_is_told_of_what_comes_after_it_was_made_and_before_it_was_deleted(
    store: Store,
) -> None:
    await put(store, DIAL_IN)
    event = await subscribe(store, "http://a/")
    await put(store, OTHER_CALL)
    (delivery,) = await due(store, A)
    assert delivery.call == OTHER_CALL.call_id
    await phone_call_events(store).delete(JOHN, event.type, event.id)
    assert await put(store, DIAL_IN) == set()
    assert await due(store, A, now=1e9) == [], "what waited is dropped"


async def test_ids_are_unique_and_grow_with_time(store: Store) -> None:
    for url in ("http://a/", "http://b/"):
        await subscribe(store, url)
    for now in (0.0, 0.001, 1.0, 1e9, 1.7e9, 1.7e9 + 0.001, 9e9):
        await put(store, *[replace(DIAL_IN, call_id=str(call)) for call in range(10)], now=now)
    rows = await deliveries(store)
    ids = [str(row["webhook_id"]) for row in rows]
    assert len(set(ids)) == len(ids) == 140
    assert [row["created"] for row in sorted(rows, key=lambda row: str(row["webhook_id"]))] == [
        row["created"] for row in rows
    ]
    assert {id[:4] + str(len(id)) for id in ids} == {"msg_36"}


async def test_the_first_attempt_is_due_after_the_wait_of_the_schedule(store: Store) -> None:
    await subscribe(store, "http://a/")
    await store.write(lambda db: record(db, [DIAL_IN], {}, 10.0, wait=2.5))
    assert await due_and_next(store, A, now=12.4) == ([], 12.5)
    (delivery,) = await due(store, A, now=12.5)
    assert delivery.queued == 10.0


@pytest.mark.parametrize("seen", Seen)
async def test_how_a_change_was_seen_is_kept(store: Store, seen: Seen) -> None:
    await subscribe(store, "http://a/")
    await put(store, replace(DIAL_IN, seen=seen))
    (delivery,) = await due(store, A)
    assert delivery.seen is seen


async def test_calls_are_kept_while_they_live(store: Store) -> None:
    async def keep(documents: dict[str, str | None]) -> list[str]:
        await store.write(lambda db: record(db, [], documents, 0.0))
        return sorted(await store.read(live_call_documents))

    assert await keep({"a": "1", "b": "2"}) == ["1", "2"]
    assert await keep({"a": "3", "c": None}) == ["2", "3"]
    assert await keep({"a": None}) == ["2"]


# --- order ---


async def test_of_one_event_and_call_only_the_earliest_is_sent(store: Store) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, OTHER_LEG)
    (first,) = await due(store, A)
    assert leg_of(first) == HANGUP.channel
    assert await settle(store, first, Failed("HTTP status 500"), again=105.0) == {A: 105.0}
    assert await due_and_next(store, A, now=104.0) == ([], 105.0), (
        "the second waits while the first is retried"
    )
    (again,) = await due(store, A, now=105.0)
    assert (again.webhook_id, again.attempts) == (first.webhook_id, 1)
    assert await settle(store, again, Delivered("HTTP status 200")) == {A: 100.0}
    (second,) = await due(store, A, now=100.0)
    assert leg_of(second) == OTHER_LEG.channel


async def test_what_comes_for_a_call_waits_behind_what_waits_for_it(store: Store) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP)
    (first,) = await due(store, A)
    await settle(store, first, Failed("-"), again=500.0)
    await put(store, OTHER_LEG, now=200.0)
    assert await due_and_next(store, A, now=200.0) == ([], 500.0)
    await settle(store, first, Delivered("-"))
    await put(store, replace(HANGUP, channel="1.3"), now=300.0)
    (second,) = await due(store, A, now=300.0)
    assert leg_of(second) == OTHER_LEG.channel


async def test_a_dead_delivery_does_not_block_the_next(store: Store) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, OTHER_LEG)
    (first,) = await due(store, A)
    await settle(store, first, Failed("HTTP status 500"), again=None)
    (second,) = await due(store, A, now=100.0)
    assert second.webhook_id != first.webhook_id
    assert [row["state"] for row in await deliveries(store)] == ["dead", "pending"]


async def test_other_calls_and_other_events_do_not_wait_for_one_that_hangs(
    store: Store,
) -> None:
    await subscribe(store, "http://a/", EventType.DIAL_IN)
    await subscribe(store, "http://a/2", EventType.ANSWER_IN)
    await put(store, DIAL_IN, ANSWER_IN, OTHER_CALL)
    (hanging, *_) = await due(store, A, limit=1)
    rest = await due(store, A, without=[hanging])
    assert {(d.url, d.call) for d in [hanging, *rest]} == {
        ("http://a/", DIAL_IN.call_id),
        ("http://a/2", DIAL_IN.call_id),
        ("http://a/", OTHER_CALL.call_id),
    }


async def test_what_was_given_up_while_it_was_on_its_way_stays_so_when_it_fails(
    store: Store,
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, OTHER_LEG)
    (first,) = await due(store, A)
    await store.write(lambda db: expire(db, queued_before=1.0, now=60.0, limit=1))
    await settle(store, first, Failed("no answer in 15 s"), again=105.0)
    rows = await deliveries(store)
    assert [row["state"] for row in rows] == ["dead", "pending"]
    assert [row["next_attempt"] for row in rows] == [None, 60.0], "one of a call at a time"
    assert rows[0]["ended"] == 60.0
    assert [row["outcome"] for row in await attempts(store)] == ["expired", "failed"]


async def test_what_was_given_up_while_it_was_on_its_way_and_arrives_is_delivered(
    store: Store,
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, OTHER_LEG)
    (first,) = await due(store, A)
    await store.write(lambda db: expire(db, queued_before=1.0, now=60.0, limit=1))
    await settle(store, first, Delivered("HTTP status 200"))
    rows = await deliveries(store)
    assert [row["state"] for row in rows] == ["delivered", "pending"]
    assert [row["next_attempt"] for row in rows] == [None, 60.0]


# --- attempts ---


async def test_each_attempt_is_written_down_with_how_it_ended(store: Store) -> None:
    await subscribe(store, "http://a/")
    await put(store, DIAL_IN, OTHER_CALL)
    first, second = await due(store, A)
    for outcome in (Failed("no connection", ""), Refused("a loopback address")):
        await settle(store, first, outcome, again=105.0)
    await settle(store, second, Delivered("HTTP status 200", "thank you"))
    await settle(store, first, Gone("HTTP status 410", "<html>"))
    one, two = (row["seq"] for row in await deliveries(store))
    noted = {
        (row["delivery"], row["number"]): (row["outcome"], row["reason"], row["excerpt"])
        for row in await attempts(store)
    }
    first_is_one = first.call == DIAL_IN.call_id
    of_first, of_second = (one, two) if first_is_one else (two, one)
    assert noted == {
        (of_first, 1): ("failed", "no connection", ""),
        (of_first, 2): ("refused", "a loopback address", ""),
        (of_first, 3): ("gone", "HTTP status 410", "<html>"),
        (of_second, 1): ("delivered", "HTTP status 200", "thank you"),
    }
    assert {(row["at"], row["seconds"]) for row in await attempts(store)} == {(50.0, 0.25)}
    assert {row["attempts"] for row in await deliveries(store)} == {3, 1}


# --- signing ---


async def test_a_delivery_has_the_secrets_of_its_app_the_previous_one_while_it_is_valid(
    store: Store,
) -> None:
    row = {"id": APP, "user": 12, "name": "CRM", "created": "", "secret": "whsec_new"}
    await store.write(lambda db: db.table("apps").insert(row))
    await subscribe(store, "http://a/")
    await put(store, DIAL_IN)
    (delivery,) = await due(store, A)
    assert delivery.secrets == ("whsec_new",)
    change = {"previous_secret": "whsec_old", "previous_until": 1000.0}
    await store.write(lambda db: db.table("apps").update(APP, change))
    (delivery,) = await due(store, A, now=999.0)
    assert delivery.secrets == ("whsec_new", "whsec_old")
    (delivery,) = await due(store, A, now=1000.0)
    assert delivery.secrets == ("whsec_new",)


async def test_a_delivery_of_an_event_without_an_app_has_no_secret(store: Store) -> None:
    await subscribe(store, "http://a/")
    await put(store, DIAL_IN)
    (delivery,) = await due(store, A)
    assert delivery.secrets == ()
