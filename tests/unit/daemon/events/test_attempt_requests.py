"""What an attempt sends, and which way."""

import asyncio

import pytest
from standardwebhooks import Webhook

from daemon.events.attempt import EXCERPT_BYTES
from daemon.events.deliveries import Delivered
from daemon.events.phone_call_events import Method
from daemon.events.signature import new_secret
from tests.unit.daemon.events.raw_server import (
    DELIVERY,
    FORM,
    http_answer,
    raw_server,
    sending,
)
from tests.unit.webhook_receiver import Receiver


@pytest.mark.parametrize("method", Method)
async def test_one_is_signed_for_each_secret_that_is_valid(method: Method) -> None:
    old, new = new_secret(), new_secret()
    async with Receiver() as app, sending() as sender:
        url = f"{app.url}/hook?key=a%20b#part"
        for secrets in ((), (new,), (new, old)):
            delivery = DELIVERY._replace(url=url, method=method, secrets=secrets)
            assert await sender.send(delivery) == Delivered("HTTP status 200")
    unsigned, *signed = app.requests
    assert "webhook-signature" not in unsigned.headers
    for request, valid in zip(signed, ([new], [new, old]), strict=True):
        assert len(request.headers["webhook-signature"].split(" ")) == len(valid)
        query = request.target.partition("?")[2]
        payload = request.body if method is Method.POST else query
        assert query == ("key=a%20b" if method is Method.POST else f"key=a%20b&{FORM}")
        for secret in valid:
            Webhook(secret).verify(payload, request.headers, json_parse=False)


async def test_a_server_with_an_international_name_is_asked_for_by_its_ascii_name() -> None:
    asked: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(FORM.encode()))
        writer.write(http_answer(200))
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    async with server, sending() as sender:
        port = server.sockets[0].getsockname()[1]
        url = f"http://\N{FULLWIDTH LATIN SMALL LETTER L}ocalhost:{port}/\u00e9?\u00fc=1"
        assert await sender.send(DELIVERY._replace(url=url)) == Delivered("HTTP status 200")
    assert asked[0].startswith(b"POST /\xc3\xa9?\xc3\xbc=1 HTTP/1.1\r\n")
    assert f"\r\nHost: localhost:{port}\r\n".encode() in asked[0]


async def test_a_connection_is_used_again() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for status, size in ((200, 0), (500, EXCERPT_BYTES), (302, 10)):
            writer.write(http_answer(status, b"x" * size))
            await reader.readuntil(FORM.encode())

    async with raw_server(serve) as url, sending() as sender:
        for _ in range(3):
            await sender.send(DELIVERY._replace(url=url))
    assert connections == 1


async def test_cookies_are_not_kept() -> None:
    async with Receiver(headers={"Set-Cookie": "a=b"}) as app, sending() as sender:
        url = app.url.replace("127.0.0.1", "localhost")
        for _ in range(2):
            assert await sender.send(DELIVERY._replace(url=url)) == Delivered("HTTP status 200")
        assert [request.headers.get("cookie") for request in app.requests] == [None, None]


# --- proxies ---


async def test_the_proxy_of_the_settings_is_used() -> None:
    async with Receiver() as proxy, sending(proxy=proxy.url) as sender:
        url = "http://192.0.2.1/hook?a=1"
        assert await sender.send(DELIVERY._replace(url=url)) == Delivered("HTTP status 200")
        (request,) = proxy.requests
    assert (request.target, request.headers["host"]) == (url, "192.0.2.1")


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Receiver() as app, Receiver() as proxy, sending() as sender:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert await sender.send(DELIVERY._replace(url=app.url)) == Delivered("HTTP status 200")
        assert (len(app.requests), len(proxy.requests)) == (1, 0)
