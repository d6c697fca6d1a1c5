"""What may come as the body of a request."""

import json

import pytest

from api.body import LIMIT
from tests.api.running import EVENTS, NEW_EVENT, RunningApi

GOOD = json.dumps(NEW_EVENT).encode()


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON ;x=y", None],
)
async def test_content_types_of_json(api: RunningApi, content_type: str | None) -> None:
    headers = {"Authorization": f"Bearer {api.token}"}
    if content_type is not None:
        headers["Content-Type"] = content_type
    answer = await api.request("POST", EVENTS, data=GOOD, headers=headers)
    assert answer.status == 201


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]
)
async def test_another_content_type(api: RunningApi, content_type: str) -> None:
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": content_type}
    answer = await api.request("POST", EVENTS, data=GOOD, headers=headers)
    assert answer.error == (400, "request_invalid")
    assert content_type in answer.message
    assert (await api.get(EVENTS)).status == 204


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"type": "0",}',
        b"[]",
        b"null",
        b'"text"',
        b"1",
        b'{"note": "\xff"}',
        b"[" * 50_000,
        b'{"type": ' + b"1" * 5_000 + b"}",
    ],
    ids=lambda body: body[:12].decode("latin-1"),
)
async def test_a_body_that_is_no_json_object(api: RunningApi, body: bytes) -> None:
    assert (await api.request("POST", EVENTS, data=body)).error == (400, "request_invalid")


async def test_a_byte_order_mark_is_no_part_of_the_body(api: RunningApi) -> None:
    assert (await api.request("POST", EVENTS, data=b"\xef\xbb\xbf" + GOOD)).status == 201


async def test_unknown_and_read_only_fields_are_ignored(api: RunningApi) -> None:
    ignored = {"id": "mine", "modified": "never", "links": 1, "colour": "red", "extension": "1"}
    answer = await api.post(EVENTS, {**NEW_EVENT, **ignored})
    assert answer.status == 201
    assert answer.body["id"] != "mine"


async def test_a_body_at_the_limit_and_one_byte_over_it(api: RunningApi) -> None:
    padding = LIMIT - len(GOOD)
    assert (await api.request("POST", EVENTS, data=GOOD + b" " * padding)).status == 201
    answer = await api.request("POST", EVENTS, data=GOOD + b" " * (padding + 1))
    assert answer.error == (413, "request_invalid")


async def test_the_limit_holds_without_a_content_length(api: RunningApi) -> None:
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    answer = await api.send(
        f"POST {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode()
        + 3 * chunk
    )
    assert answer.error == (413, "request_invalid")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_the_body_of_a_get_or_delete_is_ignored(api: RunningApi, method: str) -> None:
    await api.create_events({})
    answer = await api.request(method, EVENTS, data=b"{no json" + b" " * 2 * LIMIT)
    assert answer.status == 200
