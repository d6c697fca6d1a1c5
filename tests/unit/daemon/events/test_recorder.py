import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

import pytest

from daemon.events.outbox import HIGH_WATER, Outbox
from daemon.events.outbox_sql import live_call_documents
from daemon.events.phone_call_events import EventType, Method, PhoneCallEvents, Status
from daemon.events.recorder import Recorder
from daemon.store import Store
from tests.unit.daemon.events.changes import (
    ANSWER_IN,
    APP,
    DIAL_IN,
    HANGUP,
    deliveries,
    subscribe,
    update,
)
from tests.unit.daemon.people import JOHN
from tests.unit.daemon.unwritable import locked, unwritable
from tests.unit.waiting import until


class _Woken:
    """The servers that there is something to deliver to, each time."""

    def __init__(self) -> None:
        self.origins: list[set[str]] = []

    def __call__(self, origins: Iterable[str]) -> None:
        self.origins.append(set(origins))


@pytest.fixture
def woken() -> _Woken:
    return _Woken()


@pytest.fixture
def calls() -> dict[str, str]:
    """The live calls, as JSON by id."""
    return {}


@pytest.fixture
async def recorder(outbox: Outbox, woken: _Woken, calls: dict[str, str]) -> AsyncIterator[Recorder]:
    recorder = Recorder(outbox, calls.get, woken)
    running = asyncio.create_task(recorder.run())
    yield recorder
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _drained(recorder: Recorder) -> None:
    async with asyncio.timeout(10):
        await recorder.drained()


async def test_changes_are_written_in_order_with_the_calls_they_left(
    store: Store, recorder: Recorder, woken: _Woken, calls: dict[str, str]
) -> None:
    events = {
        (await subscribe(store, "http://a/", type)).id: type
        for type in (EventType.DIAL_IN, EventType.ANSWER_IN, EventType.HANGUP)
    }
    calls |= {DIAL_IN.call_id: "{}", "other": "{1}"}
    recorder.put([DIAL_IN, ANSWER_IN], [DIAL_IN.call_id, "other"])
    await _drained(recorder)
    assert sorted(await store.read(live_call_documents)) == ["{1}", "{}"]
    del calls[DIAL_IN.call_id]
    recorder.put([HANGUP], [DIAL_IN.call_id])
    await _drained(recorder)
    assert [events[row["event"]] for row in await deliveries(store)] == list(events.values())
    assert await store.read(live_call_documents) == ["{1}"]
    await until(lambda: woken.origins == [{"http://a:80"}] * 2)


async def test_all_that_comes_while_something_is_written_is_written_in_order(
    store: Store, recorder: Recorder
) -> None:
    await subscribe(store, "http://a/", EventType.HANGUP)
    legs = [replace(HANGUP, channel=str(number)) for number in range(50)]
    for leg in legs:
        recorder.put([leg], [])
        await asyncio.sleep(0)
    await _drained(recorder)
    forms = [row["form"].partition("&")[0] for row in await deliveries(store)]
    assert forms == [f"CallID={leg.channel}" for leg in legs]


async def test_a_call_is_written_as_it_is_when_it_is_written(
    store: Store, recorder: Recorder, calls: dict[str, str]
) -> None:
    recorder.put([], ["call"])
    calls["call"] = "as it is now"
    await _drained(recorder)
    assert await store.read(live_call_documents) == ["as it is now"]


async def test_nobody_is_woken_when_nothing_is_to_be_delivered(
    recorder: Recorder, woken: _Woken
) -> None:
    recorder.put([DIAL_IN], [DIAL_IN.call_id])
    await _drained(recorder)
    await asyncio.sleep(0)
    assert woken.origins == []


async def test_nothing_handed_over_is_drained_at_once(recorder: Recorder) -> None:
    await _drained(recorder)
    recorder.put([DIAL_IN], [])
    await _drained(recorder)
    await _drained(recorder)


async def test_drained_waits_for_what_is_being_written_and_for_what_waits(
    store: Store, recorder: Recorder
) -> None:
    await subscribe(store, "http://a/")
    with locked(store):
        recorder.put([DIAL_IN], [])
        await asyncio.sleep(0)
        being_written = asyncio.create_task(recorder.drained())
        await asyncio.sleep(0)
        recorder.put([replace(DIAL_IN, call_id="0" * 20)], [])
        waiting = asyncio.create_task(recorder.drained())
        await store.read(lambda db: None)
        assert not being_written.done()
        assert not waiting.done()
    async with asyncio.timeout(10):
        await being_written
        assert len(await deliveries(store)) >= 1
        await waiting
    assert len(await deliveries(store)) == 2


async def test_a_change_is_told_to_those_that_were_enabled_when_it_was_seen(
    store: Store, recorder: Recorder
) -> None:
    events = PhoneCallEvents(store, recorder.drained)
    disabled_later = await subscribe(store, "http://a/")
    deleted_later = await subscribe(store, "http://b/", EventType.HANGUP)
    recorder.put([DIAL_IN], [])
    await update(store, disabled_later, status=Status.ENABLED)
    made_later = await events.create(
        *(JOHN, EventType.DIAL_IN, Method.GET, "", "http://c/", Status.ENABLED, APP)
    )
    assert [row["event"] for row in await deliveries(store)] == [disabled_later.id]
    recorder.put([HANGUP, replace(DIAL_IN, call_id="0" * 20)], [])
    await events.delete(JOHN, EventType.HANGUP, deleted_later.id)
    told = sorted(row["event"] for row in await deliveries(store))
    assert told == sorted(
        [disabled_later.id, deleted_later.id, disabled_later.id, made_later.id],
    )


async def test_a_change_and_its_call_are_written_together_or_not_at_all(
    store: Store, recorder: Recorder, outbox: Outbox, woken: _Woken, calls: dict[str, str]
) -> None:
    await subscribe(store, "http://a/")
    calls[DIAL_IN.call_id] = "{}"
    operator = sqlite3.connect(store.path)
    operator.execute("ALTER TABLE live_calls RENAME COLUMN document TO broken")
    operator.commit()
    recorder.put([DIAL_IN], [DIAL_IN.call_id])
    await _drained(recorder)
    assert await deliveries(store) == [], "the call could not be written, so neither its delivery"
    assert outbox.held == 2
    await until(lambda: woken.origins == [{"http://a:80"}])
    operator.execute("ALTER TABLE live_calls RENAME COLUMN broken TO document")
    operator.commit()
    operator.close()
    await outbox.move()
    assert len(await deliveries(store)) == 1
    assert await store.read(live_call_documents) == ["{}"]


async def test_what_can_neither_be_written_nor_looked_up_waits(
    store: Store, recorder: Recorder, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    await subscribe(store, "http://a/")
    operator = sqlite3.connect(store.path)
    operator.execute("ALTER TABLE phone_call_events RENAME COLUMN extension TO broken")
    operator.commit()
    recorder.put([DIAL_IN], [])
    await until(lambda: "1 call changes wait" in caplog.text)
    operator.execute("ALTER TABLE phone_call_events RENAME COLUMN broken TO extension")
    operator.commit()
    operator.close()
    await _drained(recorder)
    await outbox.move()
    assert len(await deliveries(store)) == 1


async def test_more_than_the_high_water_of_what_waits_is_told(outbox: Outbox) -> None:
    stuck = Recorder(outbox, lambda call: None, lambda origins: None)
    stuck.put([DIAL_IN] * HIGH_WATER, map(str, range(HIGH_WATER)))
    assert not stuck.full
    stuck.put([DIAL_IN], [])
    assert stuck.full
    stuck = Recorder(outbox, lambda call: None, lambda origins: None)
    stuck.put([], map(str, range(HIGH_WATER + 1)))
    assert stuck.full


async def test_what_is_held_as_the_store_cannot_be_written_counts_too(
    store: Store, outbox: Outbox
) -> None:
    recorder = Recorder(outbox, lambda call: None, lambda origins: None)
    async with unwritable(store):
        await outbox.record([], dict.fromkeys(map(str, range(HIGH_WATER - 1)), "{}"))
        recorder.put([DIAL_IN], [])
        assert not recorder.full
        recorder.put([DIAL_IN], [])
        assert recorder.full
    await outbox.move()
    assert not recorder.full
