from datetime import UTC, datetime

import pytest

from daemon.events.phone_call_events import (
    EventChange,
    EventType,
    Method,
    PhoneCallEvents,
    Status,
)
from daemon.store import Store
from tests.unit.daemon.events.changes import DIAL_IN, deliveries, put, subscribe
from tests.unit.daemon.people import JOHN, MARY


async def test_what_was_created_is_found_again(store: Store) -> None:
    before = datetime.now(UTC)
    event = await PhoneCallEvents(store).create(
        JOHN, EventType.HANGUP, Method.POST, "it's a note ☎", "http://a/?x=%20", Status.DISABLED
    )
    assert await PhoneCallEvents(store).find(JOHN) == [event]
    assert event.id.isalnum()
    assert len(event.id) == 32
    assert before <= event.modified <= datetime.now(UTC)
    assert (event.type, event.method, event.status) == (
        EventType.HANGUP,
        Method.POST,
        Status.DISABLED,
    )


async def test_events_are_found_by_extension_type_and_id_sorted_by_url(store: Store) -> None:
    c = await subscribe(store, "http://c/", EventType.DIAL_IN)
    a = await subscribe(store, "http://a/", EventType.DIAL_IN)
    b = await subscribe(store, "http://b/", EventType.HANGUP)
    other = await subscribe(store, "http://a/", EventType.DIAL_IN, extension=MARY)
    events = PhoneCallEvents(store)
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
    updated = await PhoneCallEvents(store).update(JOHN, EventType.DIAL_IN, event.id, change)
    assert updated is not None
    for name in ("id", "extension", "type", "method", "note", "url", "status"):
        assert getattr(updated, name) == fields.get(name, getattr(event, name)), name
    assert updated.modified > event.modified
    found = await PhoneCallEvents(store).find(JOHN)
    assert sorted(found, key=lambda e: e.id) == sorted([updated, neighbour], key=lambda e: e.id)


async def test_an_update_of_another_type_or_extension_changes_nothing(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    events, change = PhoneCallEvents(store), EventChange(note="new")
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
    events = PhoneCallEvents(store)
    assert await events.delete(JOHN, EventType.HANGUP, a.id) == []
    assert await events.delete(JOHN, EventType.DIAL_IN, a.id) == [a]
    assert await events.delete(JOHN, EventType.DIAL_IN) == [b, c]
    assert await events.delete(JOHN) == [hangup]
    assert await events.delete(JOHN) == []
    assert await events.find(MARY) == [mary]


async def test_a_deleted_event_takes_its_waiting_deliveries_along(store: Store) -> None:
    gone = await subscribe(store, "http://a/")
    kept = await subscribe(store, "http://b/")
    await put(store, DIAL_IN)
    await PhoneCallEvents(store).delete(JOHN, EventType.DIAL_IN, gone.id)
    assert [row["event"] for row in await deliveries(store)] == [kept.id]


async def test_only_enabled_events_of_that_extension_and_type_are_told(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    await subscribe(store, "http://b/", status=Status.DISABLED)
    await subscribe(store, "http://c/", EventType.HANGUP)
    await subscribe(store, "http://d/", extension=MARY)
    events = PhoneCallEvents(store)
    await events.load()
    assert list(events.wanting(JOHN, EventType.DIAL_IN)) == [event.id]


async def test_who_is_told_follows_each_change_at_once(store: Store) -> None:
    events = PhoneCallEvents(store)
    await events.load()

    def wanting() -> list[str]:
        return list(events.wanting(JOHN, EventType.DIAL_IN))

    type, method = EventType.DIAL_IN, Method.GET
    one = await events.create(JOHN, type, method, "", "http://a/", Status.ENABLED)
    two = await events.create(JOHN, type, method, "", "http://b/", Status.DISABLED)
    assert wanting() == [one.id]
    await events.update(JOHN, type, two.id, EventChange(status=Status.ENABLED))
    await events.update(JOHN, type, one.id, EventChange(status=Status.DISABLED))
    assert wanting() == [two.id]
    await events.delete(JOHN)
    assert wanting() == []


async def test_events_survive_a_restart(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    again = Store(store.path)
    again.open()
    assert await PhoneCallEvents(again).find(JOHN) == [event]
    again.close()
