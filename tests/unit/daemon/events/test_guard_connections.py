"""The guard where it counts: at connections to servers that listen."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from yarl import URL

from config.settings import Delivery
from daemon.events.guard import Guard, refusal
from tests.unit.waiting import until


@dataclass
class Server:
    """Notes the first line of each request and answers 204; ``closed`` counts the ends."""

    answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n"
    port: int = 0
    connections: int = 0
    closed: int = 0
    requests: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while head := await reader.readline():
            self.requests.append(head.decode().strip())
            while (await reader.readline()).strip():
                pass
            writer.write(self.answer)
        self.closed += 1
        writer.close()


@asynccontextmanager
async def _listening(address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Server]:
    server = Server()
    async with await asyncio.start_server(server.serve, address, port) as listener:
        server.port = listener.sockets[0].getsockname()[1]
        yield server


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with _listening() as listening:
        yield listening


@asynccontextmanager
async def _client(**settings: Any) -> AsyncIterator[aiohttp.ClientSession]:
    guard = Guard(Delivery.model_validate(settings))
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(
        connector=guard.connector(), timeout=timeout, proxy=guard.proxy
    ) as session:
        yield session


async def _status(session: aiohttp.ClientSession, host: str, port: int) -> int:
    async with session.get(URL(f"http://{host}:{port}/", encoded=True)) as response:
        return response.status


def _resolve(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """Let each look-up of any name give the next of these lists, the last one for ever."""
    left = list(answers)

    def getaddrinfo(_: str, port: int, **__: Any) -> list[Any]:
        addresses = left.pop(0) if len(left) > 1 else left[0]
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        return [
            (families[":" in address], socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::]", "[::1]"),
        *("0x7f.1", "0x7f000001", "127。0。0。1", "localhost", "0x0"),
    ],
)
async def test_nothing_reaches_a_server_on_this_machine(server: Server, host: str) -> None:
    async with _client() as session:
        with pytest.raises(aiohttp.ClientConnectorError) as failed:
            await _status(session, host, server.port)
    assert refusal(failed.value) is not None
    assert server.connections == 0


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0177.0.0.1", "127.0.0.1.", "0"])
async def test_decimal_spellings_of_this_machine_are_no_urls_at_all(
    server: Server, host: str
) -> None:
    async with _client() as session:
        with pytest.raises(aiohttp.InvalidURL):
            await _status(session, host, server.port)
    assert server.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1"])
async def test_a_named_network_lets_it_through(server: Server, host: str) -> None:
    async with _client(allow_networks=["127.0.0.0/8"]) as session:
        assert await _status(session, host, server.port) == 204
    assert server.requests == ["GET / HTTP/1.1"]


async def test_a_name_that_leads_to_this_machine_is_refused_by_name_and_address(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolve(monkeypatch, ["127.0.0.1", "::1"])
    async with _client() as session:
        with pytest.raises(aiohttp.ClientConnectorError) as failed:
            await _status(session, "hook.example", server.port)
    assert refusal(failed.value) == (
        "hook.example: 127.0.0.1 is a loopback address; [delivery] allow_networks does not name it"
    )
    assert server.connections == 0


async def test_a_name_that_changes_after_it_was_allowed_is_refused_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _resolve(monkeypatch, ["127.0.0.2"], ["127.0.0.1"])
    async with _listening() as other, _listening("127.0.0.2", port=other.port) as allowed:
        async with _client(allow_networks=["127.0.0.2/32"]) as session:
            connector = session.connector
            assert isinstance(connector, aiohttp.TCPConnector)
            allowed.answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
            assert await _status(session, "hook.example", allowed.port) == 204
            connector.clear_dns_cache()  # as after some seconds
            with pytest.raises(aiohttp.ClientConnectorError) as failed:
                await _status(session, "hook.example", allowed.port)
        assert refusal(failed.value) is not None
        assert (allowed.connections, other.connections) == (1, 0)


async def test_of_several_addresses_only_those_that_are_allowed_are_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _resolve(monkeypatch, ["127.0.0.1", "127.0.0.2"])
    async with _listening() as other, _listening("127.0.0.2", port=other.port) as allowed:
        async with _client(allow_networks=["127.0.0.2/32"]) as session:
            assert await _status(session, "hook.example", allowed.port) == 204
        assert (allowed.connections, other.connections) == (1, 0)


async def test_a_server_that_is_down_is_not_taken_for_a_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _resolve(monkeypatch, ["127.0.0.2", "127.0.0.3", "127.0.0.1"])
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.2", 0))  # bound and not listening: refuses connections
        async with _client(allow_networks=["127.0.0.2/31"]) as session:
            with pytest.raises(aiohttp.ClientConnectorError) as failed:
                await _status(session, "hook.example", nobody.getsockname()[1])
    assert refusal(failed.value) is None


async def test_a_name_without_an_address_is_not_taken_for_a_refusal() -> None:
    async with _client() as session:
        with pytest.raises(aiohttp.ClientConnectorDNSError) as failed:
            await _status(session, "hook.invalid", 80)
    assert refusal(failed.value) is None


async def test_the_proxy_itself_is_always_reached_and_asked_for_names(server: Server) -> None:
    proxy = f"http://127.0.0.1:{server.port}"
    async with _client(proxy=proxy, allow_private=False) as session:
        assert await _status(session, "hook.example", 8080) == 204
    assert server.requests == ["GET http://hook.example:8080/ HTTP/1.1"]


async def test_an_idle_connection_ends_before_servers_would_end_it(server: Server) -> None:
    async with _client(allow_networks=["127.0.0.0/8"]) as session:
        await _status(session, "127.0.0.1", server.port)
        await _status(session, "127.0.0.1", server.port)
        assert (server.connections, server.closed) == (1, 0)
        await until(lambda: server.closed, deadline=5)


async def test_more_connections_at_once_than_aiohttp_makes_by_itself() -> None:
    gate = asyncio.Barrier(121)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await gate.wait()
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        async with _client(allow_networks=["127.0.0.0/8"]) as session, asyncio.timeout(10):
            sent = [asyncio.create_task(_status(session, "127.0.0.1", port)) for _ in range(120)]
            await gate.wait()
            assert await asyncio.gather(*sent) == [204] * 120
