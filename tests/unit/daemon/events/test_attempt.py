"""One attempt, to servers that answer as the test says, byte by byte."""

import asyncio
import gzip
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from config import settings
from daemon.calls.model import Seen
from daemon.events.attempt import EXCERPT_BYTES, Sender, _retry_after
from daemon.events.deliveries import Delivered, Delivery, Failed, Gone, Outcome, Refused
from daemon.events.guard import Guard
from daemon.events.phone_call_events import EventType, Method
from daemon.events.signature import new_secret
from tests.unit.daemon.people import JOHN
from tests.unit.reproducible import reproducible
from tests.unit.webhook_receiver import Receiver

FORM = "CallID=1.1&CallerIDName=J%C3%B6rg+M."
DELIVERY = Delivery(
    webhook_id="msg_1",
    event="event",
    call="call",
    type=EventType.DIAL_IN,
    extension=JOHN,
    url="",
    method=Method.POST,
    form=FORM,
    seen=Seen.LIVE,
    queued=0.0,
    attempts=0,
    secrets=(),
)
_Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _sending(**of_delivery: Any) -> AsyncIterator[Sender]:
    given = {"allow_networks": ["127.0.0.0/8"], **of_delivery}
    delivery = settings.Delivery.model_validate(given)
    async with Sender(delivery, Guard(delivery)) as sender:
        yield sender


@asynccontextmanager
async def _server(
    answer: bytes | _Handler, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Answers each request, once its body has come, and closes the connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        try:
            await reader.readuntil(FORM.encode())
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    tasks: list[asyncio.Task[None] | None] = []
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        scheme = "http" if tls is None else "https"
        yield f"{scheme}://localhost:{server.sockets[0].getsockname()[1]}/hook"
    finally:
        server.close()
        for task in tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)


async def _outcome(
    answer: bytes | _Handler, tls: ssl.SSLContext | None = None, **of_delivery: Any
) -> Outcome:
    async with _server(answer, tls) as url, _sending(**of_delivery) as sender:
        return await sender.send(DELIVERY._replace(url=url))


def _answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status} Word", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


# --- answers ---


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_delivered(status: int) -> None:
    assert await _outcome(_answer(status)) == Delivered(f"HTTP status {status}")


async def test_410_is_gone() -> None:
    assert await _outcome(_answer(410, b"go away")) == Gone("HTTP status 410", "go away")


@pytest.mark.parametrize("status", [300, 400, 401, 404, 408, 422, 499])
async def test_3xx_and_4xx_fail_and_are_no_fault_of_the_server(status: int) -> None:
    assert await _outcome(_answer(status, b"no")) == Failed(
        f"HTTP status {status}", "no", alive=True
    )


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 999])
async def test_5xx_fail_and_are_a_fault_of_the_server(status: int) -> None:
    assert await _outcome(_answer(status, b"oh")) == Failed(f"HTTP status {status}", "oh")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with Receiver() as elsewhere:
        answer = _answer(status, b"", f"Location: {elsewhere.url}/")
        assert await _outcome(answer) == Failed(f"HTTP status {status}", alive=True)
        assert elsewhere.requests == []


# --- Retry-After ---


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("text", "seconds"), [("120", 120.0), ("0", 0.0), ("007", 7.0)])
async def test_the_app_may_ask_for_seconds_to_be_left_alone(
    status: int, text: str, seconds: float
) -> None:
    failed = await _outcome(_answer(status, b"", f"Retry-After: {text}"))
    assert failed == Failed(f"HTTP status {status}", retry_after=seconds)


@pytest.mark.parametrize("status", [429, 503])
async def test_the_app_may_ask_to_be_left_alone_until_a_date(status: int) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=100)
    elsewhere = at.astimezone(timezone(timedelta(hours=2)))
    dates = *map(format_datetime, (at, elsewhere)), format_datetime(at, usegmt=True)
    for date in (*dates, f"{at:%a %b %d %X %Y}"):
        failed = await _outcome(_answer(status, b"", f"Retry-After: {date}"))
        assert isinstance(failed, Failed)
        assert failed.retry_after is not None
        assert 90.0 < failed.retry_after <= 100.0, date


@pytest.mark.parametrize("status", [200, 301, 400, 404, 410, 500, 502, 504])
async def test_on_other_answers_a_retry_after_says_nothing(status: int) -> None:
    outcome = await _outcome(_answer(status, b"", "Retry-After: 120"))
    assert getattr(outcome, "retry_after", None) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "-5", "1.5", "1e3", "٣", "Wed,", "Wed, 21 Oct 2015"),
        "Wed, 21 Oct 2015 07:28:00 +99999999999999999999",
        "Wed, 99 Oct 99999 99:99:99 GMT",
    ],
)
async def test_what_is_no_retry_after_says_nothing(text: str) -> None:
    failed = await _outcome(_answer(503, b"", f"Retry-After: {text}"))
    assert failed == Failed("HTTP status 503")


_letters = "0123456789 ,:+-.GMTWedOct"


@given(
    st.one_of(
        st.text(),
        st.text(_letters),
        st.from_regex(r"[0-9]{1,400}", fullmatch=True),
        st.from_regex(
            r"(Wed, )?[0-9]{1,3} (Oct|Feb) [0-9]{1,30} [0-9]{1,3}:[0-9]{1,30}:[0-9]{1,3} "
            r"(GMT|[+-][0-9]{1,30}|[A-Z]{1,4})",
            fullmatch=True,
        ),
    )
)
@reproducible
def test_whatever_a_retry_after_is_it_is_seconds_or_nothing(text: str) -> None:
    seconds = _retry_after(text, datetime(2026, 1, 1, tzinfo=UTC))
    assert seconds is None or seconds >= 0.0


# --- bodies ---


async def test_the_begin_of_a_body_is_kept() -> None:
    body = b"a" * EXCERPT_BYTES
    assert await _outcome(_answer(200, body)) == Delivered("HTTP status 200", body.decode())
    assert await _outcome(_answer(200, body + b"b")) == Delivered("HTTP status 200", body.decode())


async def test_a_body_that_is_no_text_is_kept_as_far_as_it_is() -> None:
    failed = await _outcome(
        _answer(500, b"\xff\xfe caf\xc3\xa9", "Content-Type: text/x; charset=q")
    )
    assert failed.excerpt == "\N{REPLACEMENT CHARACTER}" * 2 + " café"


async def test_a_compressed_body_is_not_inflated() -> None:
    bomb = gzip.compress(bytes(1_000_000))[:500]
    outcome = await _outcome(_answer(200, bomb, "Content-Encoding: gzip"))
    assert outcome == Delivered("HTTP status 200", bomb.decode(errors="replace"))


async def test_of_an_endless_body_no_more_than_the_excerpt_is_waited_for() -> None:
    closed = asyncio.Event()

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 Word\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        closed.set()

    async with _server(endless) as url, _sending() as sender:
        outcome = await sender.send(DELIVERY._replace(url=url))
        assert outcome == Failed("HTTP status 500", "x" * EXCERPT_BYTES)
        async with asyncio.timeout(10):
            await closed.wait()


async def test_a_status_counts_although_the_body_breaks_off_or_does_not_come() -> None:
    async def hangs(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 Word\r\nContent-Length: 50\r\n\r\nbegin")
        await asyncio.Event().wait()

    assert await _outcome(hangs, timeout=0.3) == Delivered("HTTP status 200", "begin")
    broken = b"HTTP/1.1 200 Word\r\nContent-Length: 50\r\n\r\nbegin"
    assert await _outcome(broken) == Delivered("HTTP status 200", "begin")


# --- no answer ---


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r\nX-Y: "])
async def test_a_connection_that_is_closed_before_the_end_of_the_head(said: bytes) -> None:
    assert await _outcome(said) == Failed("the connection was closed before an answer")


async def test_a_connection_that_is_reset() -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    assert await _outcome(reset) == Failed("the connection broke: Connection reset by peer")


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
    failed = await _outcome(said)
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
        for byte in _answer(200, b"", "X: " + "y" * 1000):
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)

    for handler in (hangs, trickles):
        began = time.monotonic()
        assert await _outcome(handler, timeout=0.3) == Failed("no answer in 0.3 s")
        assert time.monotonic() - began < 3.0


async def test_a_server_that_only_announces_its_answer() -> None:
    async def goes_on(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await asyncio.sleep(0)

    failed = Failed("no valid HTTP answer: more than 20 interim answers")
    assert await _outcome(goes_on) == failed


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
    async with _sending(connect_timeout=0.2) as sender:
        outcome = await sender.send(DELIVERY._replace(url=f"http://127.0.0.1:{full_backlog}/"))
    assert outcome == Failed("no connection in 0.2 s")


async def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with _sending() as sender:
            url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
            outcome = await sender.send(DELIVERY._replace(url=url))
    assert outcome == Failed("no connection: Connection refused")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 64 + ".invalid"])
async def test_a_name_that_is_not_found(host: str) -> None:
    async with _sending() as sender:
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
    assert await _outcome(_answer(200), context) == Failed(
        "TLS: the certificate is not good: unable to get local issuer certificate"
    )


async def test_a_server_that_speaks_no_tls() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(_answer(400))
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server, _sending() as sender:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
        assert await sender.send(DELIVERY._replace(url=url)) == Failed("TLS: wrong version number")


# --- where webhooks may not go ---


async def test_what_the_guard_does_not_let_be_connected_to_is_refused() -> None:
    async with _sending(allow_networks=[]) as sender:
        for host, why in (
            ("127.0.0.1", "127.0.0.1 is a loopback address"),
            ("localhost", "localhost: 127.0.0.1 is a loopback address"),
        ):
            outcome = await sender.send(DELIVERY._replace(url=f"http://{host}:1/"))
            assert isinstance(outcome, Refused)
            assert outcome.reason == f"{why}; [delivery] allow_networks does not name it"


# --- what is sent ---


@pytest.mark.parametrize("method", Method)
async def test_one_is_signed_for_each_secret_that_is_valid(method: Method) -> None:
    old, new = new_secret(), new_secret()
    async with Receiver() as app, _sending() as sender:
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
        writer.write(_answer(200))
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    async with server, _sending() as sender:
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
            writer.write(_answer(status, b"x" * size))
            await reader.readuntil(FORM.encode())

    async with _server(serve) as url, _sending() as sender:
        for _ in range(3):
            await sender.send(DELIVERY._replace(url=url))
    assert connections == 1


async def test_cookies_are_not_kept() -> None:
    async with Receiver(headers={"Set-Cookie": "a=b"}) as app, _sending() as sender:
        url = app.url.replace("127.0.0.1", "localhost")
        for _ in range(2):
            assert await sender.send(DELIVERY._replace(url=url)) == Delivered("HTTP status 200")
        assert [request.headers.get("cookie") for request in app.requests] == [None, None]


# --- proxies ---


async def test_the_proxy_of_the_settings_is_used() -> None:
    async with Receiver() as proxy, _sending(proxy=proxy.url) as sender:
        url = "http://192.0.2.1/hook?a=1"
        assert await sender.send(DELIVERY._replace(url=url)) == Delivered("HTTP status 200")
        (request,) = proxy.requests
    assert (request.target, request.headers["host"]) == (url, "192.0.2.1")


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Receiver() as app, Receiver() as proxy, _sending() as sender:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert await sender.send(DELIVERY._replace(url=app.url)) == Delivered("HTTP status 200")
        assert (len(app.requests), len(proxy.requests)) == (1, 0)
