"""One attempt to deliver, over HTTP."""

import asyncio
import logging
import os
import ssl
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import Self

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from yarl import URL

from config import settings
from daemon.events.deliveries import Delivered, Delivery, Failed, Gone, Outcome, Refused
from daemon.events.guard import Guard, refusal
from daemon.events.origin import ascii_origin
from daemon.events.phone_call_events import Method
from daemon.events.signature import signature

log = logging.getLogger(__name__)

USER_AGENT = "uapid"
EXCERPT_BYTES = 1000
_MOST_INTERIM = 20
_REASON_LETTERS = 200
_EXCERPT_SECONDS = 2.0
_FORM = "application/x-www-form-urlencoded"


class _ResponseHandler(ResponseHandler):
    """Gives up on a server that announces its answer again and again: aiohttp itself would read on
    until the timeout, thousands of times in a row, and do nothing else meanwhile."""

    _announced = 0

    async def read(self) -> tuple[RawResponseMessage, StreamReader]:
        message, payload = await super().read()
        interim = 100 <= message.code < 200 and message.code != HTTPStatus.SWITCHING_PROTOCOLS
        self._announced = self._announced + 1 if interim else 0
        if self._announced > _MOST_INTERIM:
            raise HttpProcessingError(message=f"more than {_MOST_INTERIM} interim answers")
        return message, payload


class Sender:
    """``async with Sender(settings, guard) as sender``: sends deliveries, follows no redirect."""

    def __init__(self, delivery: settings.Delivery, guard: Guard) -> None:
        self._settings = delivery
        self._guard = guard

    async def __aenter__(self) -> Self:
        connector = self._guard.connector()
        handler = partial(_ResponseHandler, loop=asyncio.get_running_loop())
        connector._factory = handler  # type: ignore[assignment]
        self._session = aiohttp.ClientSession(
            connector=connector,
            # Look-ups have the same deadline of their own.
            timeout=aiohttp.ClientTimeout(
                total=self._settings.timeout, sock_connect=self._settings.connect_timeout
            ),
            proxy=self._guard.proxy,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            # A few bytes can inflate to more than there is memory.
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, delivery: Delivery) -> Outcome:
        """Make one attempt and tell how it ended."""
        if reason := self._guard.refusal_of_url(delivery.url):
            return Refused(reason)
        try:
            async with self._request(delivery) as response:
                # Most answers have come whole by now.
                if not response.content.is_eof():
                    return _outcome(response, await _excerpt(response))
                read = response.content.read_nowait(EXCERPT_BYTES + 1)
                return _outcome(response, _text_of(read, response))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if reason := refusal(error):
                return Refused(reason)
            return Failed(self._failure(error))
        except Exception as error:
            # Whatever an app can answer must not end the deliveries of all others.
            log.exception("%s: a bug, seen in the answer of an app", delivery.webhook_id)
            return Failed(f"it could not be sent: {type(error).__name__}: {_one_line(error)}")

    def _request(
        self, delivery: Delivery
    ) -> "aiohttp.client._BaseRequestContextManager[aiohttp.ClientResponse]":
        if delivery.method is Method.GET:
            url, body = _with_query(delivery.url, delivery.form), None
            signed = url.partition("#")[0].partition("?")[2].encode()
        else:
            url, body = delivery.url, delivery.form.encode()
            signed = body
        now = int(time.time())
        headers = {
            "webhook-id": delivery.webhook_id,
            "webhook-timestamp": str(now),
            "uapid-seen": delivery.seen,
        }
        if delivery.secrets:
            headers["webhook-signature"] = signature(
                delivery.webhook_id, now, signed, delivery.secrets
            )
        if body is not None:
            headers["Content-Type"] = _FORM
        return self._session.request(
            delivery.method.name,
            URL(ascii_origin(url), encoded=True),
            data=body,
            headers=headers,
            allow_redirects=False,
        )

    def _failure(self, error: Exception) -> str:
        match error:
            case aiohttp.ConnectionTimeoutError():
                return f"no connection in {self._settings.connect_timeout:g} s"
            case TimeoutError():
                return f"no answer in {self._settings.timeout:g} s"
            case aiohttp.ClientConnectorDNSError():
                return f"the host name is not found: {error.os_error.strerror or error}"
            case aiohttp.ClientConnectorCertificateError():
                return f"TLS: the certificate is not good: {_why_not_good(error)}"
            case aiohttp.ClientSSLError():
                return f"TLS: {_tls(error.os_error)}"
            case aiohttp.ClientConnectorError():
                return f"no connection: {_system(error.os_error)}"
            case aiohttp.ServerDisconnectedError():
                return "the connection was closed before an answer"
            case aiohttp.ClientOSError():
                return f"the connection broke: {_system(error)}"
            case aiohttp.ClientResponseError():
                return f"no valid HTTP answer: {_one_line(error.message).removesuffix(' ^')}"
        return f"it could not be sent: {_one_line(error)}"


def _outcome(response: aiohttp.ClientResponse, excerpt: str) -> Outcome:
    reason = f"HTTP status {response.status}"
    match response.status:
        case status if 200 <= status < 300:
            return Delivered(reason, excerpt)
        case 410:
            return Gone(reason, excerpt)
        case 429 | 503:
            asked = _retry_after(response.headers.get("Retry-After", ""), datetime.now(UTC))
            return Failed(reason, excerpt, retry_after=asked)
        case status:
            return Failed(reason, excerpt, alive=status < 500)


async def _excerpt(response: aiohttp.ClientResponse) -> str:
    """The begin of the body; a look at it is not worth a long wait."""
    read = b""
    try:
        async with asyncio.timeout(_EXCERPT_SECONDS):
            while len(read) <= EXCERPT_BYTES and not response.content.at_eof():
                read += await response.content.read(EXCERPT_BYTES + 1 - len(read))
    except (TimeoutError, aiohttp.ClientError):
        response.close()  # the status, which is what counts, has come
    return _text_of(read, response)


def _text_of(read: bytes, response: aiohttp.ClientResponse) -> str:
    """What was read, as text; the connection is closed if there is more of it."""
    if len(read) > EXCERPT_BYTES:
        response.close()
    return read[:EXCERPT_BYTES].decode(errors="replace")


def _retry_after(text: str, now: datetime) -> float | None:
    """Seconds that a Retry-After asks for, given as such or as a date (RFC 9110, 10.2.3)."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())


def _with_query(url: str, query: str) -> str:
    base, mark, fragment = url.partition("#")
    joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return f"{base}{joint}{query}{mark}{fragment}"


def _why_not_good(error: aiohttp.ClientConnectorCertificateError) -> str:
    why = error.certificate_error
    return why.verify_message if isinstance(why, ssl.SSLCertVerificationError) else _one_line(why)


def _tls(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return _system(error)


def _system(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno and error.errno > 0 else _one_line(error)


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:_REASON_LETTERS]
