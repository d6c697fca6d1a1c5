"""How an address may be spelt, and what there is at one that is none."""

import pytest

from api.addresses import routed_path
from tests.api.running import EVENTS, NEW_EVENT, PUBLIC_URL, RunningApi


@pytest.mark.parametrize(
    "path",
    [
        "/uapi/extensions/@me/0003*210/phoneCallEvents",
        "/uapi/extensions/@me/0003*210/phoneCallEvents/",
        "/unifiedapi/extensions/@me/0003*210/phoneCallEvents",
        "/unifiedapi/extensions/@me/0003*210/phoneCallEvents/",
        "/uapi/extensions/%40me/0003%2A210/phoneCallEvents",
        "/uapi/extensions/%40me/0003%2a210/phoneCallEvents/",
    ],
)
async def test_every_spelling_is_the_same_address(api: RunningApi, path: str) -> None:
    created = await api.post(path, NEW_EVENT)
    assert created.status == 201
    link = created.body["links"]["self"]
    assert link == f"{PUBLIC_URL}{EVENTS}/0/{created.body['id']}"
    listed = await api.get(f"{path}?count=20&startIndex=0")
    assert [entry["links"]["self"] for entry in listed.body["entry"]] == [link]


async def test_a_slash_before_the_query_and_after_an_id(api: RunningApi) -> None:
    (event,) = await api.create_events({})
    answer = await api.put(f"{EVENTS}/0/{event['id']}/", {"note": "changed"})
    assert answer.status == 200
    answer = await api.get(f"{EVENTS}/0/{event['id']}/?fields=note")
    assert answer.body["entry"] == [{"note": "changed"}]


async def test_the_absolute_form_of_a_request_target(api: RunningApi) -> None:
    await api.create_events({})
    answer = await api.send(
        f"GET https://uapi.voipnow.com{EVENTS} HTTP/1.1\r\nHost: uapi.voipnow.com\r\n"
        f"Authorization: Bearer {api.token}\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.status == 200
    assert answer.body["totalResults"] == 1


@pytest.mark.parametrize(
    ("came", "routed"),
    [
        ("/", "/"),
        ("/unifiedapi", "/unifiedapi"),
        ("/unifiedapi/cdr/", "/uapi/cdr"),
        ("/x/unifiedapi/", "/x/unifiedapi"),
        ("https://pbx:8443/unifiedapi/cdr", "/uapi/cdr"),
        ("/https://pbx/uapi/cdr", "/https://pbx/uapi/cdr"),
        ("http://pbx", "/"),
        ("*", "*"),
    ],
)
def test_routed_path(came: str, routed: str) -> None:
    assert routed_path(came) == routed


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/favicon.ico",
        "/uapi",
        "/uapi/",
        "/uapi/nowhere",
        "/uapi/extensions/@me/0003*210",
        f"{EVENTS}/0/a/b",
        "/uapi//extensions/@me/0003*210/phoneCallEvents",
        "/uapi/%0d%0aSet-Cookie:a=b",
    ],
)
async def test_an_address_of_nothing(api: RunningApi, path: str) -> None:
    answer = await api.get(path)
    assert answer.error == (404, "not_found")
    assert "\n" not in answer.message


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PATCH", EVENTS, "DELETE, GET, HEAD, OPTIONS, POST"),
        ("PUT", EVENTS, "DELETE, GET, HEAD, OPTIONS, POST"),
        ("POST", f"{EVENTS}/0/abc", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("POST", "/uapi/phoneCalls/@me/0003*210", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("DELETE", "/uapi/cdr", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_method_that_an_address_does_not_have(
    api: RunningApi, method: str, path: str, allow: str
) -> None:
    answer = await api.request(method, path)
    assert answer.error == (405, "method_not_allowed")
    assert answer.headers["Allow"] == allow
    assert allow in answer.message
    told = await api.request("OPTIONS", path)
    assert (told.status, told.headers["Allow"], told.text) == (204, allow, "")


async def test_head_is_get_without_its_body(api: RunningApi) -> None:
    await api.create_events({})
    answer = await api.request("HEAD", EVENTS)
    assert (answer.status, answer.body) == (200, None)
    assert int(answer.headers["Content-Length"]) > 100
