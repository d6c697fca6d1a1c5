"""A token in the URL: where the settings allow it, and never in what is told of the request."""

import logging

import pytest

from tests.api.running import CALLS, EVENTS, RunningApi, StartApi

ALLOWED = {"token_in_query": True}


async def test_by_default_it_is_not_taken(api: RunningApi) -> None:
    answer = await api.request("GET", f"{EVENTS}?accessRequestToken={api.token}", headers={})
    assert answer.error == (401, "access_denied")


@pytest.mark.parametrize("before", ["", "Bearer%20", "Bearer+", "bearer%20%20", "%20"])
async def test_with_and_without_the_word_bearer(start_api: StartApi, before: str) -> None:
    async with start_api(access=ALLOWED) as api:
        path = f"{EVENTS}?count=20&accessRequestToken={before}{api.token}"
        assert (await api.request("GET", path, headers={})).status == 204


@pytest.mark.parametrize("text", ["", "unknown", "Bearer", "Bearer+", "Token+x", "%00", "%ff"])
async def test_what_is_no_token(start_api: StartApi, text: str) -> None:
    async with start_api(access=ALLOWED) as api:
        answer = await api.request("GET", f"{EVENTS}?accessRequestToken={text}", headers={})
        assert answer.error == (401, "access_denied")


async def test_the_header_wins(start_api: StartApi) -> None:
    async with start_api(access=ALLOWED) as api:
        path = f"{EVENTS}?accessRequestToken="
        right = {"Authorization": f"Bearer {api.token}"}
        assert (await api.request("GET", f"{path}wrong", headers=right)).status == 204
        for wrong in ("Bearer wrong", "Basic x", ""):
            answer = await api.request(
                "GET", f"{path}{api.token}", headers={"Authorization": wrong}
            )
            assert answer.error == (401, "access_denied")


async def test_it_stands_in_no_link_no_message_and_no_line_of_the_log(
    start_api: StartApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with start_api(access=ALLOWED) as api:
        await api.create_events({}, {}, {})
        token = f"accessRequestToken={api.token}"
        page = await api.request("GET", f"{EVENTS}?{token}&count=1&startIndex=1", headers={})
        assert set(page.body["paging"]) == {"next", "prev"}
        told = page.text
        for method, path in (
            ("PATCH", EVENTS),
            ("GET", f"{CALLS}/x"),
            ("PUT", f"{EVENTS}/0/x"),
            ("DELETE", EVENTS),
            ("GET", "/nowhere"),
            ("POST", "/oauth/token"),
            ("GET", "/uapi/extensions/@me/0003*024/phoneCallEvents"),
        ):
            told += (await api.request(method, f"{path}?{token}", headers={})).text
        raw = f"GET http://x{EVENTS}?{token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert (await api.send(raw.encode())).status == 204
        assert api.token not in told
        assert api.token not in caplog.text
