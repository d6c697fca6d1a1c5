"""How an address may be spelt, and what there is at one that is none."""

import pytest

from api.addresses import routed_path
from tests.api.running import EVENTS, RunningApi


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
