from datetime import UTC, datetime

import pytest

from daemon.events.housekeeping import drop_orphans
from daemon.events.phone_call_events import (
    EventChange,
    EventType,
    Method,
    PhoneCallEvents,
    Status,
)
from daemon.store import Store, StoreUnavailable
from tests.unit.daemon.events.changes import (
    APP,
    DIAL_IN,
    HANGUP,
    deliveries,
    due,
    phone_call_events,
    put,
    subscribe,
)
from tests.unit.daemon.people import JOHN, MARY


async def test_what_was_created_is_found_again(store: Store) -> None:
    before = datetime.now(UTC)
    event = await phone_call_events(store).create(
        *(JOHN, EventType.HANGUP, Method.POST, "it's a note ☎", "http://a/?x=%20"),
        Status.DISABLED,
        APP,
    )
    assert await phone_call_events(store).find(JOHN) == [event]
    assert event.id.isalnum()
    assert len(event.id) == 32
    assert before <= event.modified <= datetime.now(UTC)
    assert (event.type, event.method, event.status) == (
        EventType.HANGUP,
        Method.POST,
        Status.DISABLED,
    )


async def test_ids_begin_with_the_time_so_that_later_ones_come_later(store: Store) -> None:
    events = [await subscribe(store, "http://a/", EventType.DIAL_IN) for _ in range(50)]
    times = [event.id[:12] for event in events]
    assert times == [f"{int(event.modified.timestamp() * 1000):012x}" for event in events]
    assert times == sorted(times)
    assert len({event.id for event in events}) == 50


async def test_events_are_found_by_extension_type_and_id_sorted_by_url(store: Store) -> None:
    c = await subscribe(store, "http://c/", EventType.DIAL_IN)
    a = await subscribe(store, "http://a/", EventType.DIAL_IN)
    b = await subscribe(store, "http://b/", EventType.HANGUP)
    other = await subscribe(store, "http://a/", EventType.DIAL_IN, extension=MARY)
    events = phone_call_events(store)
    assert await events.find(JOHN) == [a, b, c]
    assert await events.find(JOHN, EventType.DIAL_IN) == [a, c]
    assert await events.find(JOHN, EventType.DIAL_IN, c.id) == [c]
    assert await events.find(JOHN, None, b.id) == [b]
    assert await events.find(JOHN, EventType.DIAL_IN, b.id) == []
    assert await events.find(JOHN, None, other.id) == []
    assert await events.find("0003*299") == []


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (EventChange(method=Method.POST), {"method": Method.POST}),
        (EventChange(method=Method.GET), {"method": Method.GET}),
        (EventChange(note=""), {"note": ""}),
        (EventChange(url="https://new/"), {"url": "https://new/"}),
        (EventChange(status=Status.DISABLED), {"status": Status.DISABLED}),
        (EventChange(), {}),
    ],
)
async def test_an_update_sets_what_it_names_and_leaves_the_rest(
    store: Store, change: EventChange, fields: dict[str, object]
) -> None:
    event = await subscribe(store, "http://a/")
    neighbour = await subscribe(store, "http://b/")
    updated = await phone_call_events(store).update(JOHN, EventType.DIAL_IN, event.id, change)
    assert updated is not None
    for name in ("id", "extension", "type", "method", "note", "url", "status"):
        assert getattr(updated, name) == fields.get(name, getattr(event, name)), name
    assert updated.modified > event.modified
    found = await phone_call_events(store).find(JOHN)
    assert sorted(found, key=lambda e: e.id) == sorted([updated, neighbour], key=lambda e: e.id)


async def test_an_update_of_another_type_or_extension_changes_nothing(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    events, change = phone_call_events(store), EventChange(note="new")
    assert await events.update(JOHN, EventType.HANGUP, event.id, change) is None
    assert await events.update(MARY, EventType.DIAL_IN, event.id, change) is None
    assert await events.update(JOHN, EventType.DIAL_IN, "unknown", change) is None
    assert await events.find(JOHN) == [event]


async def test_delete_takes_one_all_of_a_type_or_all_of_the_extension(store: Store) -> None:
    a = await subscribe(store, "http://a/", EventType.DIAL_IN)
    b = await subscribe(store, "http://b/", EventType.DIAL_IN)
    c = await subscribe(store, "http://c/", EventType.DIAL_IN)
    hangup = await subscribe(store, "http://h/", EventType.HANGUP)
    mary = await subscribe(store, "http://m/", EventType.DIAL_IN, extension=MARY)
    events = phone_call_events(store)
    assert await events.delete(JOHN, EventType.HANGUP, a.id) == []
    assert await events.delete(JOHN, EventType.DIAL_IN, a.id) == [a]
    assert await events.delete(JOHN, EventType.DIAL_IN) == [b, c]
    assert await events.delete(JOHN) == [hangup]
    assert await events.delete(JOHN) == []
    assert await events.find(MARY) == [mary]


async def test_a_deleted_event_takes_its_waiting_deliveries_along(store: Store) -> None:
    gone = await subscribe(store, "http://a/")
    kept = await subscribe(store, "http://a/kept")
    await put(store, DIAL_IN)
    await phone_call_events(store).delete(JOHN, EventType.DIAL_IN, gone.id)
    assert [delivery.event for delivery in await due(store, "http://a/")] == [kept.id]
    await store.write(lambda db: drop_orphans(db, 10))
    assert [row["event"] for row in await deliveries(store)] == [kept.id]


async def test_what_was_seen_before_a_change_is_written_before_it(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    seen = iter([DIAL_IN, HANGUP, DIAL_IN, DIAL_IN])

    async def first() -> None:
        await put(store, next(seen))

    events = PhoneCallEvents(store, first)
    hangup = await events.create(
        JOHN, EventType.HANGUP, Method.GET, "", "http://h/", Status.ENABLED, APP
    )
    await events.update(JOHN, hangup.type, hangup.id, EventChange(status=Status.DISABLED))
    await events.update(JOHN, event.type, event.id, EventChange(status=Status.DISABLED))
    await events.delete(JOHN)
    told = [row["event"] for row in await deliveries(store)]
    assert told == [event.id, hangup.id, event.id], "who was enabled then, and nobody else"


async def test_nothing_is_changed_while_the_store_cannot_be_written(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    await store.write(lambda db: db.execute("PRAGMA query_only = ON"))
    events = phone_call_events(store)
    with pytest.raises(StoreUnavailable):
        await subscribe(store, "http://b/")
    with pytest.raises(StoreUnavailable):
        await events.update(JOHN, event.type, event.id, EventChange(note="new"))
    with pytest.raises(StoreUnavailable):
        await events.delete(JOHN)
    assert await events.find(JOHN) == [event]


async def test_events_survive_a_restart(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    again = Store(store.path)
    again.open()
    assert await phone_call_events(again).find(JOHN) == [event]
    again.close()
