"""Every error code of the four pages about PhoneCallEvents, provoked."""

from typing import Any

import pytest

from tests.api.running import EVENTS, NEW_EVENT, RunningApi

MISSING: Any = object()

WRONG: dict[str, list[Any]] = {
    "type": [MISSING, None, "", "5", -1, 5, "00", " 0", True, 1.0, [0]],
    "method": [MISSING, None, "", "2", "GET", 2, False, 0.0, {}],
    "note": [MISSING, None, 7, ["x"], "x" * 1025, "half a pair \ud83d"],
    "status": [MISSING, None, "", "2", "enabled", True],
    "url": [
        MISSING,
        None,
        7,
        "",
        "example.com/x",
        "/x",
        "//example.com/x",
        "ftp://example.com/",
        "javascript:alert(1)",
        "http://",
        "http:///x",
        "http://:80/",
        "http://[::1",
        "http://example.com:70000/",
        "http://example.com:port/",
        "http://exa mple.com/",
        "http://example.com/a b",
        " http://example.com/",
        "http://example.com/\n",
        "http://example.com/\x00",
        "http://example.com/\ud83d",
        "http://example.com\\@evil.example/",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "http://example.com/" + "x" * (2049 - 19),
    ],
}
WRONG_FIELDS = [(field, came) for field, values in WRONG.items() for came in values]


def field_and_value(value: object) -> str:
    return "missing" if value is MISSING else repr(value)[:30]


@pytest.mark.parametrize(("field", "came"), WRONG_FIELDS, ids=field_and_value)
async def test_create_with_a_wrong_field(api: RunningApi, field: str, came: object) -> None:
    body = {**NEW_EVENT, field: came}
    if came is MISSING:
        del body[field]
    answer = await api.post(EVENTS, body)
    assert answer.error == (400, f"pce_{field}_invalid")
    assert answer.message.startswith(field)
    assert answer.message.isprintable()
    assert (await api.get(EVENTS)).status == 204


@pytest.mark.parametrize(
    ("field", "came"),
    [(field, came) for field, came in WRONG_FIELDS if came is not MISSING],
    ids=field_and_value,
)
async def test_update_with_a_wrong_field(api: RunningApi, field: str, came: object) -> None:
    (event,) = await api.create_events({})
    address = f"{EVENTS}/0/{event['id']}"
    assert (await api.put(address, {field: came})).error == (400, f"pce_{field}_invalid")
    assert (await api.get(address)).body["entry"] == [event]


async def test_a_message_names_the_field_what_came_and_what_is_allowed(api: RunningApi) -> None:
    answer = await api.post(EVENTS, {**NEW_EVENT, "status": "on"})
    assert answer.message == 'status is "on"; allowed is 0 for disabled, 1 for enabled.'
    answer = await api.post(EVENTS, {"type": 0})
    assert answer.message == "method is missing; allowed is 0 for GET, 1 for POST."


async def test_credentials_in_a_url_are_not_repeated(api: RunningApi) -> None:
    answer = await api.post(EVENTS, {**NEW_EVENT, "url": "http://user:hunter2@example.com/"})
    assert "hunter2" not in answer.text


async def test_the_first_wrong_field_of_the_page_is_told(api: RunningApi) -> None:
    for fields, code in (
        ({}, "pce_type_invalid"),
        ({"type": 0}, "pce_method_invalid"),
        ({"type": 0, "method": 0}, "pce_note_invalid"),
        ({"type": 0, "method": 0, "note": ""}, "pce_url_invalid"),
        ({"type": 0, "method": 0, "note": "", "url": "http://a.example"}, "pce_status_invalid"),
    ):
        assert (await api.post(EVENTS, fields)).error == (400, code)


async def test_an_update_whose_type_is_not_that_of_the_uri(api: RunningApi) -> None:
    (event,) = await api.create_events({})
    answer = await api.put(f"{EVENTS}/0/{event['id']}", {"type": "1"})
    assert answer.error == (400, "pce_type_invalid")


@pytest.mark.parametrize("type", ["5", "-1", "00", "x", "%00", "0.0"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_wrong_type_in_the_uri(api: RunningApi, method: str, type: str) -> None:
    (event,) = await api.create_events({})
    answer = await api.request(method, f"{EVENTS}/{type}/{event['id']}", {})
    assert answer.error == (400, "pce_type_invalid")
    assert (await api.get(EVENTS)).body["totalResults"] == 1


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_wrong_type_in_the_uri_without_an_id(api: RunningApi, method: str) -> None:
    answer = await api.request(method, f"{EVENTS}/9", NEW_EVENT)
    assert answer.error == (400, "pce_type_invalid")


@pytest.mark.parametrize("id", ["a-b", "%27", "a%20b", "x" * 256, "%C8%99", "unknown", "x" * 255])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_wrong_id_in_the_uri(api: RunningApi, method: str, id: str) -> None:
    await api.create_events({})
    answer = await api.request(method, f"{EVENTS}/0/{id}", {})
    assert answer.error == (400, "pce_id_invalid")
    assert (await api.get(EVENTS)).body["totalResults"] == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_id_of_another_type(api: RunningApi, method: str) -> None:
    (event,) = await api.create_events({"type": 0})
    answer = await api.request(method, f"{EVENTS}/1/{event['id']}", {})
    assert answer.error == (400, "pce_id_invalid")


EVERY_OPERATION = pytest.mark.parametrize(
    ("method", "rest"), [("GET", ""), ("POST", ""), ("DELETE", ""), ("PUT", "/0/abc")]
)


@EVERY_OPERATION
@pytest.mark.parametrize(
    "extension", ["@self", "%40self", "0003*999", "0003", "abc", "0003*21", "*", "%00", "%D9%A3"]
)
async def test_a_wrong_extension(api: RunningApi, method: str, rest: str, extension: str) -> None:
    path = f"/uapi/extensions/@me/{extension}/phoneCallEvents{rest}"
    assert (await api.request(method, path, NEW_EVENT)).error == (400, "extension_invalid")


@EVERY_OPERATION
@pytest.mark.parametrize(
    "user", ["@self", "@ME", "99", "-12", "x", "1" * 5000, "%00", "%D9%A1%D9%A2"]
)
async def test_a_wrong_user(api: RunningApi, method: str, rest: str, user: str) -> None:
    path = f"/uapi/extensions/{user}/0003*210/phoneCallEvents{rest}"
    assert (await api.request(method, path, NEW_EVENT)).error == (400, "user_invalid")


@EVERY_OPERATION
@pytest.mark.parametrize(
    "whose",
    [
        "@me/0003*024",  # another user's
        "@owner/0003*024",
        "@viewer/0003*900",  # nobody's
        "13/0003*024",
        "0013/0003*210",
        "13/@self",
    ],
)
async def test_what_is_somebody_elses(api: RunningApi, method: str, rest: str, whose: str) -> None:
    path = f"/uapi/extensions/{whose}/phoneCallEvents{rest}"
    assert (await api.request(method, path, NEW_EVENT)).error == (400, "pce_access_denied")


async def test_another_user_sees_and_changes_nothing_of_mine(api: RunningApi) -> None:
    (event,) = await api.create_events({})
    mine, api.token = api.token, await api.new_token(13)
    address = f"{EVENTS}/0/{event['id']}"
    for method in ("GET", "PUT", "DELETE"):
        answer = await api.request(method, address, {"note": "stolen"})
        assert answer.error == (400, "pce_access_denied")
    own = address.replace("0003*210", "0003*024")
    assert (await api.request("DELETE", own)).error == (400, "pce_id_invalid")
    api.token = mine
    assert (await api.get(EVENTS)).body["entry"] == [event]
