"""The deliveries of a PhoneCallEvent: what was sent, what waits, and sending it again."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from daemon.events import outbox_sql
from daemon.events.deliveries import DeliveryState
from tests.api.running import EVENTS, PUBLIC_URL, RunningApi, StartApi
from tests.unit.daemon.events.attempts import attempt_in
from tests.unit.daemon.events.changes import DIAL_IN

URL = "http://myevent.com/SaveMyPhoneCallDetails"
DEAD, DELIVERED, FAILED = DeliveryState.DEAD, DeliveryState.DELIVERED, DeliveryState.FAILED


@dataclass(frozen=True, slots=True)
class Outbox:
    """The deliveries of one PhoneCallEvent, at ``address``."""

    api: RunningApi
    event: dict[str, Any]

    @property
    def address(self) -> str:
        return f"{EVENTS}/0/{self.event['id']}/deliveries"

    async def put(self, *calls: str, ago: float = 60.0) -> None:
        changes = [replace(DIAL_IN, call_id=call) for call in calls]
        now = time.time() - ago
        await self.api.service.store.write(lambda db: outbox_sql.record(db, changes, {}, now))

    async def end(self, state: DeliveryState) -> list[str]:
        """All that is due has had an attempt; the ids, in order."""
        now = time.time()
        return await self.api.service.store.write(
            lambda db: attempt_in(db, state, now, URL, again=now + 3600)
        )

    async def entries(self, query: str = "") -> list[dict[str, Any]]:
        answer = await self.api.get(f"{self.address}{query}")
        assert answer.status in (200, 204)
        return answer.body["entry"] if answer.body else []

    async def calls(self, query: str = "") -> list[str]:
        return [entry["parameters"]["CallAPIID"] for entry in await self.entries(query)]


@pytest.fixture
async def outbox(api: RunningApi) -> AsyncIterator[Outbox]:
    (event,) = await api.create_events({})
    yield Outbox(api, event)


async def test_without_deliveries_the_list_is_empty(outbox: Outbox) -> None:
    assert (await outbox.api.get(outbox.address)).status == 204
    assert (await outbox.api.post(outbox.address, {})).status == 204


async def test_a_delivery_that_waits(outbox: Outbox) -> None:
    await outbox.put("call1")
    answer = await outbox.api.get(outbox.address)
    assert answer.status == 200
    body = answer.body
    (entry,) = body.pop("entry")
    assert body == {
        "startIndex": 0,
        "totalResults": 1,
        "itemsPerPage": 20,
        "filtered": True,
        "sorted": True,
    }
    dates = {name: entry.pop(name) for name in ("created", "queued", "nextAttempt")}
    for date in dates.values():
        assert datetime.fromisoformat(date).utcoffset() in (timedelta(hours=2), timedelta(hours=3))
    id, parameters = entry.pop("id"), entry.pop("parameters")
    assert len(parameters) == 10
    assert parameters["CallStatus"] == "CALLING"
    assert entry == {
        "state": "pending",
        "extension": "0003*210",
        "type": "0",
        "phoneCallEventId": outbox.event["id"],
        "attempts": "0",
        "seen": "live",
        "links": {"self": f"{PUBLIC_URL}{outbox.address}/{id}"},
    }


async def test_one_delivery_is_shown_with_all_its_attempts(outbox: Outbox) -> None:
    await outbox.put("call1")
    (id,) = await outbox.end(DEAD)
    (listed,) = await outbox.entries()
    assert (listed["state"], listed["outcome"]) == ("dead", "failed")
    assert listed["reason"] == "HTTP status 500"
    assert "nextAttempt" not in listed
    (shown,) = (await outbox.api.get(f"{outbox.address}/{id}")).body["entry"]
    (attempt,) = shown.pop("attempt")
    assert shown == listed
    assert datetime.fromisoformat(attempt.pop("at")) <= datetime.fromisoformat(shown["ended"])
    assert attempt == {
        "seconds": "0.250",
        "outcome": "failed",
        "reason": "HTTP status 500",
        "excerpt": "oh no",
    }


async def test_the_address_in_the_links_leads_to_the_delivery(outbox: Outbox) -> None:
    await outbox.put("call1")
    (entry,) = await outbox.entries()
    answer = await outbox.api.get(entry["links"]["self"].removeprefix(PUBLIC_URL))
    assert answer.body["entry"] == [entry]


async def test_the_newest_come_first_unless_asked_otherwise_in_pages(outbox: Outbox) -> None:
    for call in "12345":
        await outbox.put(call)
    assert await outbox.calls() == ["5", "4", "3", "2", "1"]
    assert await outbox.calls("?sortOrder=asc") == ["1", "2", "3", "4", "5"]
    assert await outbox.calls("?startIndex=1&count=2") == ["4", "3"]
    answer = await outbox.api.get(f"{outbox.address}?startIndex=2&count=2")
    paging = answer.body["paging"]
    assert paging["next"] == f"{PUBLIC_URL}{outbox.address}?count=2&startIndex=4"
    assert paging["prev"] == f"{PUBLIC_URL}{outbox.address}?count=2&startIndex=0"
    assert answer.body["totalResults"] == 5
    assert await outbox.entries("?fields=state&count=1") == [{"state": "pending"}]


async def test_retry_of_one_puts_it_back_whatever_became_of_it(outbox: Outbox) -> None:
    for state in (DEAD, DELIVERED, FAILED):
        await outbox.put(state)
        (id,) = await outbox.end(state)
        answer = await outbox.api.request("POST", f"{outbox.address}/{id}")
        assert answer.status == 200
        assert (answer.body["id"], answer.body["state"]) == (id, "pending")
        assert answer.body["attempts"] == "0"
        assert len(answer.body["attempt"]) == 1, "what was tried is not forgotten"
        again = await outbox.api.request("POST", f"{outbox.address}/{id}")
        assert (again.status, again.body) == (200, answer.body)
        assert await outbox.end(DELIVERED) == [id]


async def test_retry_of_all_takes_what_is_failed_or_dead(outbox: Outbox) -> None:
    await outbox.put("delivered")
    await outbox.end(DELIVERED)
    await outbox.put("dead1", "dead2")
    dead = await outbox.end(DEAD)
    await outbox.put("failed")
    failed = await outbox.end(FAILED)
    await outbox.put("pending")
    answer = await outbox.api.request("POST", outbox.address)
    assert answer.status == 200
    assert sorted(entry["id"] for entry in answer.body) == sorted(dead + failed)
    assert {entry["state"] for entry in await outbox.entries()} == {"pending", "delivered"}
    assert (await outbox.api.request("POST", outbox.address)).status == 204


async def test_of_very_many_all_are_put_back_and_some_are_named(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.deliveries.ANSWERED_IDS", 3)
    monkeypatch.setattr("daemon.events.stored_deliveries.ROWS_AT_ONCE", 2)
    await outbox.put(*map(str, range(7)))
    dead = await outbox.end(DEAD)
    answer = await outbox.api.request("POST", outbox.address)
    assert len(answer.body) == 3
    assert {entry["id"] for entry in answer.body} < set(dead)
    assert len(await outbox.end(DELIVERED)) == 7


async def test_with_empty_as_200_nothing_put_back_is_an_empty_array(start_api: StartApi) -> None:
    async with start_api(api={"empty": "200"}) as api:
        (event,) = await api.create_events({})
        outbox = Outbox(api, event)
        assert (await api.get(outbox.address)).body["entry"] == []
        assert (await api.request("POST", outbox.address)).body == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_delivery_of_another_event_is_not_found(outbox: Outbox, method: str) -> None:
    await outbox.put("call1")
    (id,) = await outbox.end(DEAD)
    (other,) = await outbox.api.create_events({"url": "http://other.example/"})
    address = f"{EVENTS}/0/{other['id']}/deliveries/{id}"
    assert (await outbox.api.request(method, address)).error == (400, "delivery_id_invalid")
    assert (await outbox.entries())[0]["state"] == "dead"


async def test_of_a_disabled_event_the_next_attempt_is_not_known(outbox: Outbox) -> None:
    await outbox.put("call1")
    await outbox.api.put(f"{EVENTS}/0/{outbox.event['id']}", {"status": "0"})
    (entry,) = await outbox.entries()
    assert "nextAttempt" not in entry
