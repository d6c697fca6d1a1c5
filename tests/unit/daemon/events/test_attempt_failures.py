"""Attempts that get no answer."""

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import Iterator

import pytest
import trustme

from daemon.events.deliveries import Failed, Refused
from tests.unit.daemon.events.raw_server import (
    DELIVERY,
    http_answer,
    outcome_of,
    sending,
)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r\nX-Y: "])
async def test_a_connection_that_is_closed_before_the_end_of_the_head(said: bytes) -> None:
    assert await outcome_of(said) == Failed("the connection was closed before an answer")


async def test_a_connection_that_is_reset() -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    assert await outcome_of(reset) == Failed("the connection broke: Connection reset by peer")


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"<html>no head</html>\r\n\r\n",
        b"\x00\xff\x15\x03\x01\r\n\r\n",
        b"HTTP/1.1 2x0 Word\r\n\r\n",
        b"HTTP/1.1 200 Word\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 Word\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 Word\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
async def test_what_is_no_http(said: bytes) -> None:
    failed = await outcome_of(said)
    assert isinstance(failed, Failed)
    assert failed.reason.startswith("no valid HTTP answer: ")
    assert "\n" not in failed.reason
    assert len(failed.reason) < 200
    assert not failed.reason.endswith("^")
    assert not failed.alive


async def test_a_server_that_does_not_answer_in_time() -> None:
    async def hangs(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def trickles(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in http_answer(200, b"", "X: " + "y" * 1000):
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)

    for handler in (hangs, trickles):
        began = time.monotonic()
        assert await outcome_of(handler, timeout=0.3) == Failed("no answer in 0.3 s")
        assert time.monotonic() - began < 3.0


async def test_a_server_that_only_announces_its_answer() -> None:
    async def goes_on(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await asyncio.sleep(0)

    failed = Failed("no valid HTTP answer: more than 20 interim answers")
    assert await outcome_of(goes_on) == failed


@pytest.fixture
def full_backlog() -> Iterator[int]:
    """The port of a server that takes no connection any more, and does not refuse it either."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
        for one in waiting:
            one.close()


async def test_a_server_that_does_not_take_the_connection_in_time(full_backlog: int) -> None:
    async with sending(connect_timeout=0.2) as sender:
        outcome = await sender.send(DELIVERY._replace(url=f"http://127.0.0.1:{full_backlog}/"))
    assert outcome == Failed("no connection in 0.2 s")


async def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with sending() as sender:
            url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
            outcome = await sender.send(DELIVERY._replace(url=url))
    assert outcome == Failed("no connection: Connection refused")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 64 + ".invalid"])
async def test_a_name_that_is_not_found(host: str) -> None:
    async with sending() as sender:
        outcome = await sender.send(DELIVERY._replace(url=f"http://{host}/"))
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("the host name is not found: ")


# --- TLS ---


def _context(*names: str) -> tuple[trustme.CA, ssl.SSLContext]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return authority, context


async def test_a_certificate_that_nobody_vouches_for() -> None:
    _, context = _context("localhost")
    assert await outcome_of(http_answer(200), context) == Failed(
        "TLS: the certificate is not good: unable to get local issuer certificate"
    )


async def test_a_server_that_speaks_no_tls() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(http_answer(400))
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server, sending() as sender:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
        assert await sender.send(DELIVERY._replace(url=url)) == Failed("TLS: wrong version number")


# --- where webhooks may not go ---


async def test_what_the_guard_does_not_let_be_connected_to_is_refused() -> None:
    async with sending(allow_networks=[]) as sender:
        for host, why in (
            ("127.0.0.1", "127.0.0.1 is a loopback address"),
            ("localhost", "localhost: 127.0.0.1 is a loopback address"),
        ):
            outcome = await sender.send(DELIVERY._replace(url=f"http://{host}:1/"))
            assert isinstance(outcome, Refused)
            assert outcome.reason == f"{why}; [delivery] allow_networks does not name it"
