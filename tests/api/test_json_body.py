"""What may come as the body of a request."""

import json

from api.body import LIMIT
from tests.api.running import EVENTS, NEW_EVENT, RunningApi

GOOD = json.dumps(NEW_EVENT).encode()


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
