import asyncio
import sqlite3
from collections.abc import AsyncIterator

import pytest

from daemon.events.matching import Notice
from daemon.events.outbox import live_call_documents
from daemon.events.phone_call_events import EventType, PhoneCallEvents
from daemon.events.recorder import HIGH_WATER, Recorder
from daemon.store import Store
from tests.unit.daemon.events.changes import (
    ANSWER_IN,
    DIAL_IN,
    HANGUP,
    deliveries,
    matched,
    subscribe,
)
from tests.unit.waiting import until


class _Woken:
    count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def woken() -> _Woken:
    return _Woken()


@pytest.fixture
def calls() -> dict[str, str]:
    """The live calls, as JSON by id."""
    return {}


@pytest.fixture
async def recorder(store: Store, woken: _Woken, calls: dict[str, str]) -> AsyncIterator[Recorder]:
    recorder = Recorder(store, calls.get, woken)
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
    for type in (EventType.DIAL_IN, EventType.ANSWER_IN, EventType.HANGUP):
        await subscribe(store, "http://a/", type)
    calls |= {DIAL_IN.call_id: "{}", "other": "{1}"}
    recorder.put(await matched(store, DIAL_IN, ANSWER_IN), [DIAL_IN.call_id, "other"])
    await _drained(recorder)
    assert sorted(await store.read(live_call_documents)) == ["{1}", "{}"]
    del calls[DIAL_IN.call_id]
    recorder.put(await matched(store, HANGUP), [DIAL_IN.call_id])
    await _drained(recorder)
    kinds = [row["seq"] for row in await deliveries(store)]
    assert kinds == [1, 2, 3]
    events = [row["event"] for row in await deliveries(store)]
    assert len(set(events)) == 3
    assert await store.read(live_call_documents) == ["{1}"]
    assert woken.count >= 1


async def test_nobody_is_woken_when_nothing_is_to_be_delivered(
    store: Store, recorder: Recorder, woken: _Woken
) -> None:
    recorder.put(await matched(store, DIAL_IN), [DIAL_IN.call_id])
    await _drained(recorder)
    assert woken.count == 0


async def test_an_event_that_was_deleted_before_the_writing_holds_nothing_up(
    store: Store, recorder: Recorder
) -> None:
    gone = await subscribe(store, "http://a/")
    kept = await subscribe(store, "http://b/")
    found = await matched(store, DIAL_IN)
    await PhoneCallEvents(store).delete(gone.extension, gone.type, gone.id)
    recorder.put(found, [])
    await _drained(recorder)
    assert [row["event"] for row in await deliveries(store)] == [kept.id]


async def test_a_change_and_its_call_are_written_together_or_not_at_all(
    store: Store,
    recorder: Recorder,
    woken: _Woken,
    calls: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    await subscribe(store, "http://a/")
    calls[DIAL_IN.call_id] = "{}"
    operator = sqlite3.connect(store.path)
    operator.execute("ALTER TABLE live_calls RENAME COLUMN document TO broken")
    operator.commit()
    recorder.put(await matched(store, DIAL_IN), [DIAL_IN.call_id])
    await until(lambda: "1 events and 1 calls wait" in caplog.text)
    assert await deliveries(store) == [], "the call could not be written, so neither its delivery"
    operator.execute("ALTER TABLE live_calls RENAME COLUMN broken TO document")
    operator.commit()
    operator.close()
    await _drained(recorder)
    assert len(await deliveries(store)) == 1, "what the store refused is tried again"
    assert await store.read(live_call_documents) == ["{}"]
    assert woken.count == 1


async def test_more_than_the_high_water_of_waiting_changes_is_told(store: Store) -> None:
    notice = Notice("an event", DIAL_IN)
    stuck = Recorder(store, lambda call: None, lambda: None)
    stuck.put([notice] * HIGH_WATER, map(str, range(HIGH_WATER)))
    assert not stuck.full
    stuck.put([notice], [])
    assert stuck.full
    stuck = Recorder(store, lambda call: None, lambda: None)
    stuck.put([], map(str, range(HIGH_WATER + 1)))
    assert stuck.full
