"""Errors that are nobody's input, and how messages show what came."""

import asyncio
import logging

import pytest

from api.errors import shown
from tests.api.calls import BrokenCalls, UnreachableCalls
from tests.api.running import CALLS, EVENTS, RunningApi


async def test_a_crash_tells_the_log_and_not_the_client(
    api: RunningApi, caplog: pytest.LogCaptureFixture
) -> None:
    api.service.calls = BrokenCalls()
    with caplog.at_level(logging.ERROR):
        answer = await api.get(CALLS)
    assert answer.error == (500, "internal_server_error")
    assert "secret" not in answer.text
    assert "a bug with a secret in it" in caplog.text


@pytest.mark.parametrize("extension", ["0003*210", "@self"])
async def test_calls_while_the_pbx_is_away(api: RunningApi, extension: str) -> None:
    api.service.calls = UnreachableCalls()
    path = f"/uapi/phoneCalls/@me/{extension}"
    action = {"action": "OnHold", "phoneCallViewId": "01"}
    for answer in (await api.get(path), await api.put(f"{path}/abc", action)):
        assert answer.error == (503, "pbx_unavailable")
        assert answer.headers["Retry-After"] == "5"


async def test_events_go_on_while_the_pbx_is_away(api: RunningApi) -> None:
    api.service.calls = UnreachableCalls()
    (event,) = await api.create_events({})
    assert (await api.put(f"{EVENTS}/0/{event['id']}", {"status": 0})).status == 200
    assert (await api.get(EVENTS)).status == 200
    assert (await api.delete(EVENTS)).body == [{"id": event["id"]}]


async def test_a_client_that_goes_in_the_middle_of_its_body(
    api: RunningApi, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(
        f"POST {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n"
        "Content-Length: 1000\r\n\r\n{".encode()
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await api.get(EVENTS)).status == 204
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("abc", '"abc"'),
        ("a\r\nb\x1b[31m\u202e", r'"a\r\nb\x1b[31m\u202e"'),
        ("\ud800", r'"\ud800"'),
        ("x" * 101, f'"{"x" * 100}…"'),
        ("ș", '"ș"'),
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
        (10**200, "1" + "0" * 99 + "…"),
        ([1], "an array"),
        ({}, "an object"),
    ],
)
def test_shown(value: object, text: str) -> None:
    assert shown(value) == text
