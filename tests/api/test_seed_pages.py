"""Every example of the documentation of PhoneCallEvents and OnHold, sent as printed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from daemon.calls.model import PhoneCallView
from daemon.holds.hold import Confirmed, HoldOutcome
from tests.api.calls import HELD, CallsInMemory, ChosenHolds, a_call
from tests.api.running import Answer, RunningApi, StartApi
from tests.api.seed_differences import ACCEPTED, OF_THE_MOMENT
from tests.api.seed_pages import SeedResponse, compare, read_example

ID_OF_THE_PAGES = "NqeyDRqo4FtabmFj8gNWq3hsiGNYyq"
MODIFIED_OF_THE_PAGES = datetime(2012, 7, 10, 15, 16, 12, tzinfo=UTC)


async def put_into_store(api: RunningApi, **fields: Any) -> None:
    """Have the event of the pages in the store, apart from these fields."""
    row = {
        "id": ID_OF_THE_PAGES,
        "extension": "0003*210",
        "type": 0,
        "method": 0,
        "note": "My phone call event is awesome",
        "url": "http://myevent.com/SaveMyPhoneCallDetails",
        "status": 1,
        "modified": MODIFIED_OF_THE_PAGES.isoformat(),
        **fields,
    }
    await api.service.store.write(lambda db: db.table("phone_call_events").insert(row))


def assert_as_on_page(example: str, page: SeedResponse, answer: Answer) -> None:
    """The answer differs from the page just where ``seed_differences`` says so."""
    assert answer.status == page.status
    of_the_moment = OF_THE_MOMENT.get(example, frozenset())
    differences = compare(page.body, answer.body, of_the_moment)
    assert {difference.path for difference in differences} == set(ACCEPTED[example]), differences


async def test_create(api: RunningApi) -> None:
    request, (page,) = read_example("create_event")
    answer = await api.send(request.as_bytes(api.token))
    assert_as_on_page("create_event", page, answer)
    assert (await api.get(answer.body["links"]["self"].removeprefix("https://x.x.x.x"))).body[
        "entry"
    ] == [answer.body]


async def test_create_as_in_the_model(api: RunningApi) -> None:
    model, _ = read_example("create_event_model")
    _, (page,) = read_example("create_event")
    assert_as_on_page("create_event", page, await api.send(model.as_bytes(api.token)))


async def test_update(api: RunningApi) -> None:
    await put_into_store(api)
    request, (page,) = read_example("update_event")
    answer = await api.send(request.as_bytes(api.token))
    assert_as_on_page("update_event", page, answer)
    assert datetime.fromisoformat(answer.body["modified"]) > MODIFIED_OF_THE_PAGES


async def test_update_as_in_the_model(api: RunningApi) -> None:
    await put_into_store(api, id="MyPhoneCallEvent")
    model, _ = read_example("update_event_model")
    answer = await api.send(model.as_bytes(api.token))
    assert answer.status == 200
    assert answer.body["id"] == "MyPhoneCallEvent"
    assert answer.body["method"] == "1"
    assert answer.body["note"] == "I want to use POST for my event"


async def test_list(api: RunningApi) -> None:
    await put_into_store(api)
    request, (page,) = read_example("list_events")
    assert_as_on_page("list_events", page, await api.send(request.as_bytes(api.token)))


async def test_delete_one(api: RunningApi) -> None:
    await put_into_store(api)
    request, (page,) = read_example("delete_event")
    assert_as_on_page("delete_event", page, await api.send(request.as_bytes(api.token)))


async def test_delete_all(api: RunningApi) -> None:
    request, (page,) = read_example("delete_all_events")
    for number, entry in enumerate(page.body):
        await put_into_store(api, id=entry["id"], type=number, url=f"http://myevent.com/{number}")
    assert_as_on_page("delete_all_events", page, await api.send(request.as_bytes(api.token)))


def on_hold_of_the_page(api: RunningApi) -> ChosenHolds:
    """The call of the OnHold page, and a PBX that confirms what it is asked."""
    calls = CallsInMemory(api.service.directory, a_call())

    def confirm(what: str, view: PhoneCallView) -> HoldOutcome:
        calls.set_on_hold(view.channel, HELD)
        return Confirmed()

    api.service.calls = calls
    api.service.holds = holds = ChosenHolds(confirm)
    return holds


async def test_on_hold_confirmed(api: RunningApi) -> None:
    on_hold_of_the_page(api)
    request, (_, page) = read_example("on_hold")
    answer = await api.send(request.as_bytes(api.token))
    assert answer.status == page.status
    # The leg that holds placed the call, so it never rang.
    never_rang = "phoneCallView[0].ringing"
    differences = compare(page.body, answer.body, OF_THE_MOMENT["on_hold 200"])
    assert {difference.path for difference in differences} == set(ACCEPTED["on_hold 200"]) - {
        never_rang
    }


async def test_on_hold_not_yet_confirmed(start_api: StartApi) -> None:
    async with start_api(api={"hold_timeout": 0.05}) as api:
        holds = on_hold_of_the_page(api)
        holds.gate.clear()
        request, (page, _) = read_example("on_hold")
        answer = await api.send(request.as_bytes(api.token))
        assert_as_on_page("on_hold 202", page, answer)
        holds.gate.set()
        assert await holds.tasks[0] == Confirmed()
        later = await api.get("/uapi/phoneCalls/12/0003*210/b817d2618fe6f1804333")
        assert later.body["entry"][0]["phoneCallView"][0]["holder"] == 1


@pytest.mark.parametrize(
    ("page", "answer", "paths"),
    [
        ({"a": "1"}, {"a": 1}, ["a"]),
        ({"a": 1}, {"a": True}, ["a"]),
        ({"a": "1"}, {}, ["a"]),
        ({}, {"a": ["1"]}, ["a"]),
        ({"a": [{"b": "1"}]}, {"a": [{"b": "1"}, {}]}, ["a[1]"]),
        ({"m": "2012-07-10T18:16:12+03:00"}, {"m": "yesterday"}, ["m"]),
        ({"m": "2012-07-10T18:16:12+03:00"}, {"m": "2026-01-01T00:00:00+00:00"}, []),
    ],
)
def test_compare_finds_what_differs(page: object, answer: object, paths: list[str]) -> None:
    found = compare(page, answer, of_the_moment=frozenset({"m"}))
    assert [difference.path for difference in found] == paths
