"""Clients that are slow, silent, many or too large: what the server does about them."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.api.running import EVENTS, NEW_EVENT, PUBLIC_URL, RunningApi, StartApi
from tests.unit.waiting import until

SHORT = 0.4
LONG = 60.0
PATIENCE = 10.0


def http(**limits: Any) -> dict[str, Any]:
    """The section of that name: nobody waits for long, but for what a test says."""
    return {"public_url": PUBLIC_URL, "timeout": LONG, "idle_timeout": LONG, **limits}


class Peer:
    """A client's side of a connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """Status, headers with their names in small letters, and JSON of the next answer."""
        head = (await self._within(self.reader.readuntil(b"\r\n\r\n"))).decode()
        status, *lines = head.split("\r\n")[:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await self._within(self.reader.readexactly(int(headers.get("content-length", 0))))
        return int(status.split()[1]), headers, json.loads(body) if body else None

    async def until_closed(self) -> bytes:
        """What still came until the server had closed the connection."""
        try:
            return await self._within(self.reader.read())
        except ConnectionResetError:
            return b""

    async def _within(self, work: Awaitable[bytes]) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await work


@asynccontextmanager
async def connected(
    api: RunningApi, sent: bytes = b"", receive_buffer: int = 64 * 1024
) -> AsyncIterator[Peer]:
    """A connection on which this was sent; the server soon notices what is not read on it."""
    end = socket.socket()
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    end.setblocking(False)
    await asyncio.get_running_loop().sock_connect(end, ("127.0.0.1", api.port))
    reader, writer = await asyncio.open_connection(sock=end, limit=receive_buffer)
    writer.write(sent)
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


def request(api: RunningApi, method: str = "GET", path: str = EVENTS, *lines: str) -> bytes:
    head = (f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {api.token}", *lines)
    return "\r\n".join((*head, "", "")).encode()


def assert_uapi_error(answer: tuple[int, dict[str, str], Any], status: int, code: str) -> str:
    """The message, of an error in the UAPI's shape after which the connection is closed."""
    came, headers, body = answer
    assert (came, headers["content-type"]) == (status, "application/json")
    assert headers["connection"] == "close"
    assert set(body) == {"error"}
    assert body["error"]["code"] == code
    message: str = body["error"]["message"]
    return message


# --- slow clients ---


@pytest.mark.parametrize("sent", [b"", b"GET /ready HT", b"GET /ready HTTP/1.1\r\nHost: x\r\n"])
async def test_a_header_that_is_not_whole_in_time_ends_the_connection(
    start_api: StartApi, sent: bytes
) -> None:
    async with start_api(http=http(timeout=SHORT)) as api, connected(api, sent) as slow:
        assert await slow.until_closed() == b""


async def test_bytes_that_come_one_by_one_win_no_time(start_api: StartApi) -> None:
    async with start_api(http=http(timeout=SHORT)) as api, connected(api) as slow:
        dripping = asyncio.create_task(drip(slow, request(api)))
        assert await slow.until_closed() == b""
        dripping.cancel()


async def drip(peer: Peer, data: bytes) -> None:
    for number in range(len(data)):
        peer.writer.write(data[number : number + 1])
        await asyncio.sleep(0.05)


async def test_the_second_header_has_no_more_time_than_the_first(start_api: StartApi) -> None:
    async with start_api(http=http(timeout=SHORT)) as api, connected(api, request(api)) as slow:
        assert (await slow.answer())[0] == 204
        slow.writer.write(b"GET /re")
        assert await slow.until_closed() == b""


@pytest.mark.parametrize("length", ["Content-Length: 100", "Transfer-Encoding: chunked"])
async def test_a_body_that_is_not_whole_in_time_is_408(start_api: StartApi, length: str) -> None:
    async with start_api(http=http(timeout=SHORT)) as api:
        sent = request(api, "POST", EVENTS, length, "Content-Type: application/json")
        async with connected(api, sent) as slow:
            message = assert_uapi_error(await slow.answer(), 408, "request_invalid")
            assert f"{SHORT} s" in message
            assert await slow.until_closed() == b""
        assert (await api.get(EVENTS)).status == 204


async def test_a_body_that_nobody_waits_for_any_more_ends_the_connection(
    start_api: StartApi,
) -> None:
    async with start_api(http=http(timeout=SHORT)) as api:
        sent = request(api, "POST", "/nothing/here", "Content-Length: 100")
        async with connected(api, sent) as slow:
            assert (await slow.answer())[0] == 404
            assert await slow.until_closed() == b""


async def test_who_is_quick_is_not_hurried_by_those_times(start_api: StartApi) -> None:
    """The times are for each header and body, not for the connection."""
    async with start_api(http=http(timeout=SHORT)) as api, connected(api) as quick:
        end = asyncio.get_running_loop().time() + 3 * SHORT
        while asyncio.get_running_loop().time() < end:
            body = json.dumps(NEW_EVENT).encode()
            length = f"Content-Length: {len(body)}"
            quick.writer.write(
                request(api, "POST", EVENTS, length, "Content-Type: application/json") + body
            )
            assert (await quick.answer())[0] == 201
            await asyncio.sleep(SHORT / 3)


async def test_an_answer_that_nobody_takes_is_not_kept(start_api: StartApi) -> None:
    async with start_api(http=http(timeout=SHORT)) as api:
        await api.create_events(*({"note": "x" * 1000} for _ in range(200)))
        # Some 300 kB each, which fill what the kernel keeps and then what the server does.
        many = request(api, "GET", f"{EVENTS}?count=5000") * 40
        async with AsyncExitStack() as stack:
            for _ in range(3):
                lazy = await stack.enter_async_context(connected(api, many))
                lazy.writer.transport.pause_reading()  # type: ignore[attr-defined]
            server = api.server.server_state
            await until(lambda: len(server.connections) >= 3)
            await until(lambda: len(server.connections) <= 1)  # that of the client of the test
            assert not server.tasks


async def test_an_answer_that_is_taken_slowly_comes_whole(start_api: StartApi) -> None:
    """It takes several times as long as a client may take that takes nothing."""
    async with start_api(http=http(timeout=1.0)) as api:
        await api.create_events(*({"note": "x" * 1000} for _ in range(200)))
        # More than the kernel keeps.
        path = f"{EVENTS}?count=5000"
        sent = request(api, "GET", path) * 39 + request(api, "GET", path, "Connection: close")
        async with connected(api, sent, receive_buffer=8 * 1024) as slow:
            taken = bytearray()
            for _ in range(15):
                taken += await slow.reader.readexactly(32 * 1024)
                await asyncio.sleep(0.2)
            taken += await slow.until_closed()
    assert taken.count(b"HTTP/1.1 200 OK") == 40
    assert taken.endswith(b"}")


async def test_an_idle_connection_is_closed_in_its_own_time(start_api: StartApi) -> None:
    limits = http(timeout=SHORT, idle_timeout=3 * SHORT)
    async with start_api(http=limits) as api, connected(api, request(api)) as idle:
        assert (await idle.answer())[0] == 204
        began = asyncio.get_running_loop().time()
        assert await idle.until_closed() == b""
        assert 2.5 * SHORT <= asyncio.get_running_loop().time() - began < 4.0


# --- too large ---


@pytest.mark.parametrize("parts", [1, 7])
async def test_a_header_over_the_limit_is_431_however_it_comes(
    start_api: StartApi, parts: int
) -> None:
    async with start_api(http=http(header_size=2000)) as api:
        fits, too_large = (
            request(api, "GET", EVENTS, f"X-Pad: {'x' * (size - len(request(api)) - 9)}")
            for size in (2000, 2001)
        )
        assert (len(fits), len(too_large)) == (2000, 2001)
        async with connected(api) as peer:
            await send_in_parts(peer, fits, parts)
            assert (await peer.answer())[0] == 204
        async with connected(api) as peer:
            await send_in_parts(peer, too_large, parts)
            message = assert_uapi_error(await peer.answer(), 431, "request_invalid")
            assert "2000 bytes" in message
            assert await peer.until_closed() == b""


async def send_in_parts(peer: Peer, data: bytes, parts: int) -> None:
    size = -(-len(data) // parts)
    for start in range(0, len(data), size):
        peer.writer.write(data[start : start + size])
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: two\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad\x01Name: x\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_told_so_in_the_uapis_shape_and_not_logged(
    api: RunningApi, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(api, sent) as odd:
        message = assert_uapi_error(await odd.answer(), 400, "request_invalid")
        assert message.startswith("The request is no valid HTTP: ")
        assert message.isprintable()
        assert await odd.until_closed() == b""
    assert not caplog.records


async def test_a_body_that_breaks_while_it_comes_is_400(api: RunningApi) -> None:
    lines = ("Transfer-Encoding: chunked", "Content-Type: application/json")
    async with connected(api, request(api, "POST", EVENTS, *lines) + b"no number\r\n") as odd:
        assert_uapi_error(await odd.answer(), 400, "request_invalid")
        assert await odd.until_closed() == b""
    assert (await api.get(EVENTS)).status == 204


# --- too many ---


async def test_connections_beyond_the_limit_close_those_that_have_waited_longest(
    start_api: StartApi,
) -> None:
    async with start_api(http=http(connections=10)) as api, AsyncExitStack() as stack:
        waiting = [await stack.enter_async_context(connected(api)) for _ in range(10)]
        server = api.server.server_state
        await until(lambda: len(server.connections) == 10)
        async with connected(api, request(api)) as good:
            assert (await good.answer())[0] == 204
            assert await waiting[0].until_closed() == b""
            waiting[1].writer.write(request(api))
            assert (await waiting[1].answer())[0] == 204


async def test_good_clients_are_kept_before_silent_ones(start_api: StartApi) -> None:
    async with start_api(http=http(connections=10)) as api, AsyncExitStack() as stack:
        good = await stack.enter_async_context(connected(api, request(api)))
        assert (await good.answer())[0] == 204
        for _ in range(30):
            await stack.enter_async_context(connected(api))
        for _ in range(3):
            good.writer.write(request(api))
            assert (await good.answer())[0] == 204


async def test_where_all_are_at_work_one_more_is_503(start_api: StartApi) -> None:
    lines = ("Content-Length: 100", "Content-Type: application/json")
    async with start_api(http=http(connections=10)) as api, AsyncExitStack() as stack:
        sent = request(api, "POST", EVENTS, *lines)
        for _ in range(10):
            await stack.enter_async_context(connected(api, sent))
        server = api.server.server_state
        await until(lambda: len(server.tasks) == 10)
        async with connected(api) as late:
            answer = await late.answer()
            assert_uapi_error(answer, 503, "too_many_connections")
            assert int(answer[1]["retry-after"]) > 0
            assert await late.until_closed() == b""


async def test_requests_of_one_token_beyond_the_limit_are_429(start_api: StartApi) -> None:
    lines = ("Content-Length: 100", "Content-Type: application/json")
    async with start_api(api={"concurrency": 3}) as api, AsyncExitStack() as stack:
        sent = request(api, "POST", EVENTS, *lines)
        for _ in range(3):
            await stack.enter_async_context(connected(api, sent))
        server = api.server.server_state
        await until(lambda: len(server.tasks) == 3)
        answer = await api.get(EVENTS)
        while answer.status == 204:  # those above were not let in yet
            answer = await api.get(EVENTS)
        assert answer.error == (429, "too_many_requests")
        assert int(answer.headers["Retry-After"]) > 0
        other = {"Authorization": f"Bearer {await api.new_token(12)}"}
        assert (await api.request("GET", EVENTS, headers=other)).status == 204
        await stack.aclose()
        await until(lambda: not server.tasks)
        assert (await api.get(EVENTS)).status == 204
