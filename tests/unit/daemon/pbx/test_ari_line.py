import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from config.settings import Ari
from daemon.pbx.ari import AriLine
from daemon.pbx.line import LineState, PbxRefused, PbxTimeout, PbxUnavailable
from tests.unit.ari_server import PASSWORD, AriServer
from tests.unit.daemon.pbx.lines import in_no_hurry_after_a_refusal
from tests.unit.waiting import until


@pytest.fixture
async def server() -> AsyncIterator[AriServer]:
    async with AriServer() as server:
        yield server


async def _nothing(_: AriLine) -> None:
    return


async def _ask(line: AriLine) -> None:
    await line.call("endpoints", "list")


@asynccontextmanager
async def ari_line(
    server: AriServer,
    *,
    password: str = PASSWORD,
    on_event: Callable[[dict[str, Any]], None] = lambda _: None,
    on_connect: Callable[[AriLine], Awaitable[None]] = _nothing,
    timeout: float = 5.0,  # noqa: ASYNC109
    ping_interval: float = 5.0,
) -> AsyncIterator[AriLine]:
    """A running line; it has tried to connect once, well or not."""
    settings = {"password": password, "timeout": timeout, "ping_interval": ping_interval}
    line = AriLine(
        Ari.model_validate({"url": f"http://127.0.0.1:{server.port}/ari/", **settings}),
        on_event=on_event,
        on_connect=lambda: on_connect(line),
    )
    running = asyncio.create_task(line.run())
    try:
        async with asyncio.timeout(10):
            await line.settled()
        yield line
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def is_up(line: AriLine) -> bool:
    return line.status.state is LineState.UP


async def test_events_of_the_application_come_in_order(server: AriServer) -> None:
    events: list[dict[str, Any]] = []
    async with ari_line(server, on_event=events.append) as line:
        assert is_up(line)
        for number in range(10):
            await server.send({"type": "StasisEnd", "number": number})
        await until(lambda: len(events) == 10)
    assert [event["number"] for event in events] == list(range(10))


async def test_a_call_returns_the_answer_and_a_refusal_its_status(server: AriServer) -> None:
    server.answers["/endpoints"] = (200, [{"resource": "0003*210"}])
    async with ari_line(server) as line:
        assert await line.call("endpoints", "list") == [{"resource": "0003*210"}]
        server.answers["/endpoints"] = (409, {"message": "Channel not in Stasis"})
        with pytest.raises(PbxRefused, match="not in Stasis") as failure:
            await line.call("endpoints", "list")
        assert failure.value.status == 409


async def test_a_call_without_an_answer_ends_at_its_deadline(server: AriServer) -> None:
    async with ari_line(server, timeout=0.2) as line:
        server.freeze()
        started = asyncio.get_running_loop().time()
        with pytest.raises(PbxTimeout, match=r"no answer to endpoints\.list in 0\.2 s"):
            await line.call("endpoints", "list")
        assert asyncio.get_running_loop().time() - started < 1


async def test_a_frozen_pbx_is_found_by_the_ping_and_taken_up_when_it_goes_on(
    server: AriServer,
) -> None:
    async with ari_line(server, timeout=0.4, ping_interval=0.2) as line:
        server.freeze()
        await until(lambda: line.status.state is LineState.DOWN, 1)
        assert "No PONG received" in line.status.reason
        with pytest.raises(PbxUnavailable):
            await line.call("endpoints", "list")
        server.thaw()
        await until(lambda: is_up(line), 3)


async def test_a_pbx_that_freezes_while_the_line_connects_does_not_hold_it_up(
    server: AriServer,
) -> None:
    async def freeze_and_ask(line: AriLine) -> None:
        if first:
            server.freeze()
        await _ask(line)

    first = True
    started = asyncio.get_running_loop().time()
    async with ari_line(server, on_connect=freeze_and_ask, timeout=0.3) as line:
        assert line.status.state is LineState.DOWN
        first = False
        server.thaw()
        await until(lambda: is_up(line))
    # Ten seconds would go by if the good-bye of the first WebSocket were waited for.
    assert asyncio.get_running_loop().time() - started < 4


async def test_a_lost_websocket_is_told_and_opened_again(
    server: AriServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with ari_line(server) as line:
        await server.hang_up()
        await until(lambda: "the WebSocket was lost" in caplog.text)
        await until(lambda: is_up(line) and server.connected == 1)


async def test_the_age_of_the_last_message_counts_from_events_answers_and_pongs(
    server: AriServer,
) -> None:
    def age() -> float:
        age = line.status.last_message_age
        assert age is not None
        return age

    async with ari_line(server, ping_interval=0.3) as line:
        since = line.status.since
        for speak in (
            lambda: server.send({"type": "StasisEnd"}),
            lambda: line.call("endpoints", "list"),
            lambda: asyncio.sleep(0),  # the pong comes by itself
        ):
            await until(lambda: age() > 0.2)
            await speak()
            await until(lambda: age() < 0.1)
        assert line.status.since == since, "the state is the same as at first"


async def test_a_wrong_password_is_told_with_what_to_do_and_is_not_tried_in_a_hurry(
    server: AriServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_no_hurry_after_a_refusal(monkeypatch)
    async with ari_line(server, password="hunter2") as line:
        assert line.status.state is LineState.REFUSED
        assert "401" in line.status.reason
        assert "compare [ari] username and password with ari.conf" in line.status.reason
        await until(lambda: len(server.requests) == 3)
        assert line.status.state is LineState.REFUSED
    assert caplog.text.count("401") == 1, "told once, not at every attempt"


async def test_an_asterisk_that_still_starts_is_no_refusal(server: AriServer) -> None:
    server.answers["/endpoints"] = (503, {"message": "Asterisk not booted"})
    async with ari_line(server, on_connect=_ask) as line:
        assert line.status.state is LineState.DOWN
        server.answers["/endpoints"] = (200, [])
        await until(lambda: is_up(line), 3)


async def test_what_is_no_asterisk_is_told_so(server: AriServer) -> None:
    server.answers["/api-docs/resources.json"] = (200, {"hello": "world"})
    async with ari_line(server) as line:
        assert line.status.state is LineState.DOWN
        assert "what answers is no ARI" in line.status.reason


async def test_the_password_is_in_no_url_and_in_no_log(
    server: AriServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("aioari", "aioswagger11", "aiohttp", "asyncio", "daemon"):
        caplog.set_level(logging.DEBUG, logger=name)
    async with ari_line(server) as line:
        await line.call("endpoints", "list")
        await server.send({"type": "StasisEnd"})
        server.answers["/endpoints"] = (500, {"message": "no"})
        with pytest.raises(PbxRefused):
            await line.call("endpoints", "list")
        await server.hang_up()
        await until(lambda: "lost" in caplog.text)
    encoded = server.authorization.removeprefix("Basic ")
    for text in (caplog.text, *server.requests):
        assert PASSWORD not in text
        assert encoded not in text
    assert "aioswagger11" in caplog.text, "the libraries did log"
