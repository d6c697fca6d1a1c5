import asyncio
from dataclasses import replace

import pytest
from sqlite_utils import Database

from config import settings
from daemon.events.deliveries import Delivered, Failed
from daemon.events.housekeeping import Housekeeper, drop_orphans, expire, purge
from daemon.events.phone_call_events import EventType, Status
from daemon.events.schedule import horizon
from daemon.events.selection import ROWS_AT_ONCE
from daemon.store import Store
from daemon.tokens import create_token, find_token
from tests.unit.daemon.events.changes import (
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
)
from tests.unit.daemon.people import JOHN
from tests.unit.waiting import until

A = "http://a:80"
DAY = 24 * 3600.0
SETTINGS = settings.Delivery(retention_days=7)
HORIZON = horizon(SETTINGS.schedule)


async def _expire(store: Store, queued_before: float, now: float, limit: int = 200) -> int:
    return await store.write(lambda db: expire(db, queued_before, now, limit))


async def test_what_has_waited_for_too_long_is_given_up_and_what_waited_behind_goes_on(
    store: Store,
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, now=0.0)
    await put(store, replace(HANGUP, channel="1.2"), now=10.0)
    (first,) = await due(store, A)
    await settle(store, first, Failed("HTTP status 500"), again=200.0)
    assert await _expire(store, queued_before=0.0, now=90.0) == 0
    assert await _expire(store, queued_before=10.0, now=90.0) == 1
    assert await _expire(store, queued_before=10.0, now=91.0) == 0
    gone, waiting = await deliveries(store)
    assert (gone["state"], gone["ended"], gone["next_attempt"]) == ("dead", 90.0, None)
    assert gone["attempts"] == 1, "none was made when it was given up"
    assert await due_and_next(store, A, now=89.0) == ([], 90.0)
    (second,) = await due(store, A, now=90.0)
    assert second.webhook_id == waiting["webhook_id"]
    assert [(row["number"], row["outcome"], row["reason"]) for row in await attempts(store)] == [
        (1, "failed", "HTTP status 500"),
        (2, "expired", "waited for too long"),
    ]


async def test_what_waits_for_a_disabled_event_is_given_up_in_the_end_too(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    await put(store, DIAL_IN)
    await store.write(lambda db: db.execute("UPDATE phone_call_events SET status = 0"))
    assert await _expire(store, queued_before=1.0, now=90.0) == 1
    assert [row["state"] for row in await deliveries(store)] == ["dead"]
    (found,) = await phone_call_events(store).find(JOHN)
    assert (found.id, found.status) == (event.id, Status.DISABLED)


async def test_what_has_ended_is_forgotten_with_its_attempts_and_what_waits_is_not(
    store: Store,
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    await put(store, HANGUP, replace(HANGUP, channel="1795295748.2"))
    (delivered,) = await due(store, A)
    await settle(store, delivered, Delivered("HTTP status 200"))  # at 100.0
    assert await store.write(lambda db: purge(db, ended_before=100.0, limit=10)) == 0
    assert len(await deliveries(store)) == 2
    assert await store.write(lambda db: purge(db, ended_before=100.1, limit=10)) == 1
    (waiting,) = await deliveries(store)
    assert waiting["state"] == "pending"
    assert await attempts(store) == []


async def test_what_waits_for_a_deleted_event_is_forgotten_a_few_at_a_time(store: Store) -> None:
    gone = await subscribe(store, "http://a/")
    empty = await subscribe(store, "http://a/2", EventType.HANGUP)
    kept = await subscribe(store, "http://b/")
    await put(store, *[replace(DIAL_IN, call_id=str(call)) for call in range(5)])
    for event in (gone, empty):
        await phone_call_events(store).delete(JOHN, event.type, event.id)
    left = []
    while await store.write(lambda db: drop_orphans(db, limit=2)):
        left.append(sum(row["event"] == gone.id for row in await deliveries(store)))
    assert sorted(set(left), reverse=True) == [3, 1, 0]
    assert [row["event"] for row in await deliveries(store)] == [kept.id] * 5
    assert await store.read(lambda db: db.table("deleted_events").count) == 0


async def test_a_clean_up_does_all_there_is_to_do_in_works_that_hold_up_nobody(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    now = 100 * DAY
    many = ROWS_AT_ONCE + 5
    await subscribe(store, "http://a/")
    gone = await subscribe(store, "http://a/gone")
    calls = [replace(DIAL_IN, call_id=str(call)) for call in range(many)]
    await put(store, *calls, now=now - HORIZON - 1.0)
    await put(store, replace(DIAL_IN, call_id="young"), now=now - HORIZON + 1.0)
    await put(store, DIAL_IN, now=now)
    await phone_call_events(store).delete(JOHN, gone.type, gone.id)
    keeper = Housekeeper(store, SETTINGS)
    cleaning = asyncio.create_task(keeper.clean_up(now))
    writes = 0
    while not cleaning.done():
        await store.write(lambda db: db.execute("DELETE FROM probe"))
        writes += 1
    await cleaning
    assert writes > 10, "others write meanwhile"
    rows = await deliveries(store)
    states = {row["call"]: row["state"] for row in rows}
    assert len(rows) == many + 2
    assert states.pop("young") == states.pop(DIAL_IN.call_id) == "pending"
    assert set(states.values()) == {"dead"}
    assert f"{many} deliveries given up: not taken by their apps in 4.5 days" in caplog.text, (
        "those of a deleted event are nobody's"
    )
    caplog.clear()
    await keeper.clean_up(now)
    assert await deliveries(store) == rows
    assert caplog.text == ""


async def test_what_was_given_up_is_kept_for_the_retention(store: Store) -> None:
    await subscribe(store, "http://a/")
    await put(store, DIAL_IN)
    keeper = Housekeeper(store, SETTINGS)
    await keeper.clean_up(HORIZON + 1.0)
    await keeper.clean_up(HORIZON + 1.0 + 7 * DAY)
    assert [row["state"] for row in await deliveries(store)] == ["dead"]
    await keeper.clean_up(HORIZON + 1.1 + 7 * DAY)
    assert await deliveries(store) == []


async def test_tokens_are_forgotten_a_day_after_their_end_and_those_without_one_never(
    store: Store,
) -> None:
    now = 100 * DAY

    def make(db: Database) -> list[str]:
        over = [create_token(db, 12, "app", now - DAY - 1.0) for _ in range(ROWS_AT_ONCE + 5)]
        return [over[0], *(create_token(db, 12, "app", end) for end in (now - DAY, now + 1, None))]

    tokens = await store.write(make)
    await Housekeeper(store, SETTINGS).clean_up(now)
    known = await store.read(lambda db: [find_token(db, token) is not None for token in tokens])
    assert known == [False, True, True, True]
    assert await store.read(lambda db: db.table("tokens").count) == 3


async def test_it_goes_on_when_the_store_cannot_be_written(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await store.write(lambda db: db.execute("PRAGMA query_only = ON"))
    keeping = asyncio.create_task(Housekeeper(store, SETTINGS).run())
    await until(lambda: "what is old is kept" in caplog.text)
    assert not keeping.done()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
