"""Create, update, list and delete PhoneCallEvents."""

import re
from datetime import datetime, timedelta

import pytest

from tests.api.running import EVENTS, NEW_EVENT, PUBLIC_URL, RunningApi, StartApi


async def test_a_created_event_is_answered_in_full_and_kept(api: RunningApi) -> None:
    answer = await api.post(EVENTS, {**NEW_EVENT, "note": 'Bună "ziua" \\ 🎉'})
    assert answer.status == 201
    event = answer.body
    assert list(event) == ["type", "id", "method", "note", "url", "status", "modified", "links"]
    assert re.fullmatch("[A-Za-z0-9]{32}", event["id"])
    assert event["note"] == 'Bună "ziua" \\ 🎉'
    assert event["links"] == {"self": f"{PUBLIC_URL}{EVENTS}/0/{event['id']}"}
    assert (await api.get(f"{EVENTS}/0/{event['id']}")).body["entry"] == [event]


@pytest.mark.parametrize("type", ["0", "1", "2", "3", "4", 0, 1, 2, 3, 4])
async def test_numbers_come_as_text_or_number_and_go_as_text(
    api: RunningApi, type: str | int
) -> None:
    body = {**NEW_EVENT, "type": type, "method": 1, "status": 0}
    event = (await api.post(EVENTS, body)).body
    assert (event["type"], event["method"], event["status"]) == (str(type), "1", "0")


async def test_the_same_event_twice_is_two_events(api: RunningApi) -> None:
    one, other = await api.create_events({}, {})
    assert one["id"] != other["id"]
    assert (await api.get(EVENTS)).body["totalResults"] == 2


async def test_create_with_the_type_in_the_uri(api: RunningApi) -> None:
    without_type = {name: value for name, value in NEW_EVENT.items() if name != "type"}
    answer = await api.post(f"{EVENTS}/2", without_type)
    assert (answer.status, answer.body["type"]) == (201, "2")
    assert (await api.post(f"{EVENTS}/2", {**NEW_EVENT, "type": 2})).status == 201
    answer = await api.post(f"{EVENTS}/2", {**NEW_EVENT, "type": "0"})
    assert answer.error == (400, "pce_type_invalid")


@pytest.mark.parametrize(
    "change",
    [
        {"method": "1"},
        {"note": ""},
        {"url": "https://example.com/new"},
        {"status": "0"},
        {"method": "1", "note": "new", "url": "https://example.com/new", "status": "0"},
    ],
)
async def test_an_update_changes_what_it_names(api: RunningApi, change: dict[str, str]) -> None:
    event, other = await api.create_events({}, {"url": "http://myevent.com/zzz"})
    address = f"{EVENTS}/0/{event['id']}"
    answer = await api.put(address, {**change, "type": "0"})
    assert answer.status == 200
    assert answer.body == {**event, **change, "modified": answer.body["modified"]}
    assert (await api.get(address)).body["entry"] == [answer.body]
    assert (await api.get(f"{EVENTS}/0/{other['id']}")).body["entry"] == [other]


async def test_an_update_of_nothing_changes_nothing(api: RunningApi) -> None:
    (event,) = await api.create_events({})
    answer = await api.put(f"{EVENTS}/0/{event['id']}", {})
    assert answer.body == {**event, "modified": answer.body["modified"]}


async def test_a_wrong_field_in_an_update_changes_nothing(api: RunningApi) -> None:
    (event,) = await api.create_events({})
    address = f"{EVENTS}/0/{event['id']}"
    answer = await api.put(address, {"note": "new", "status": "2"})
    assert answer.error == (400, "pce_status_invalid")
    assert (await api.get(address)).body["entry"] == [event]


async def test_lists_are_of_all_types_or_one_or_an_event(api: RunningApi) -> None:
    one, other = await api.create_events({"type": 0}, {"type": 1})
    assert (await api.get(EVENTS)).body["totalResults"] == 2
    assert (await api.get(f"{EVENTS}/1")).body["entry"] == [other]
    assert (await api.get(f"{EVENTS}/0/{one['id']}")).body["entry"] == [one]
    assert (await api.get(f"{EVENTS}/2")).status == 204


async def test_deletes_are_of_all_types_or_one_or_an_event(api: RunningApi) -> None:
    events = await api.create_events({"type": 0}, {"type": 0}, {"type": 1}, {"type": 2})
    first, second, third, fourth = [event["id"] for event in events]
    assert (await api.delete(f"{EVENTS}/0/{first}")).body == [{"id": first}]
    assert (await api.delete(f"{EVENTS}/0")).body == [{"id": second}]
    assert (await api.delete(f"{EVENTS}/0")).status == 204
    answer = await api.delete(EVENTS)
    assert answer.status == 200
    assert {entry["id"] for entry in answer.body} == {third, fourth}
    answer = await api.delete(EVENTS)
    assert (answer.status, answer.text) == (204, "")


async def test_events_of_another_extension_stay_apart(api: RunningApi) -> None:
    (event,) = await api.create_events({})
    sibling = EVENTS.replace("210", "211")
    assert (await api.get(sibling)).status == 204
    assert (await api.delete(sibling)).status == 204
    for answer in (
        await api.get(f"{sibling}/0/{event['id']}"),
        await api.put(f"{sibling}/0/{event['id']}", {"note": "new"}),
        await api.delete(f"{sibling}/0/{event['id']}"),
    ):
        assert answer.error == (400, "pce_id_invalid")
    assert (await api.get(EVENTS)).body["entry"] == [event]


async def test_empty_answers_with_a_body(start_api: StartApi) -> None:
    async with start_api(api={"empty": "200"}) as api:
        listed = await api.get(f"{EVENTS}?count=7")
        assert listed.status == 200
        assert listed.body == {
            "startIndex": 0,
            "totalResults": 0,
            "itemsPerPage": 7,
            "filtered": True,
            "sorted": True,
            "entry": [],
        }
        deleted = await api.delete(EVENTS)
        assert (deleted.status, deleted.body) == (200, [])


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/New_York", "UTC", None])
async def test_dates_are_in_the_time_zone_of_the_settings(
    start_api: StartApi, zone: str | None
) -> None:
    async with start_api(node={} if zone is None else {"timezone": zone}) as api:
        before = datetime.now().astimezone().replace(microsecond=0)
        (event,) = await api.create_events({})
        modified = datetime.fromisoformat(event["modified"])
        here = modified.astimezone(api.service.settings.node.tzinfo)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", event["modified"])
        assert modified.utcoffset() == here.utcoffset()
        assert before <= modified < before + timedelta(minutes=1)


@pytest.mark.parametrize("user", ["@me", "@viewer", "@owner", "12", "0012"])
async def test_every_name_of_the_user_is_repeated_in_links(api: RunningApi, user: str) -> None:
    path = EVENTS.replace("@me", user)
    event = (await api.post(path, NEW_EVENT)).body
    assert event["links"]["self"] == f"{PUBLIC_URL}{path}/0/{event['id']}"
    listed = await api.get(path)
    assert listed.body["entry"] == [event]


async def test_an_extension_by_its_short_form(api: RunningApi) -> None:
    (event,) = await api.create_events({})
    listed = await api.get("/uapi/extensions/@me/210/phoneCallEvents")
    assert [entry["id"] for entry in listed.body["entry"]] == [event["id"]]


async def test_events_of_an_extension_that_is_no_phone(api: RunningApi) -> None:
    path = "/uapi/extensions/@me/0003*800/phoneCallEvents"
    assert (await api.post(path, NEW_EVENT)).status == 201
