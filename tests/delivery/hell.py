"""Receivers of webhooks that do whatever a server can do wrong, or to do harm."""

import asyncio
import socket
import struct
import zlib
from dataclasses import dataclass
from itertools import chain, repeat

from tests.delivery.stream_server import Serve, answer, read_request

_MEGABYTE = bytes(1 << 20)
_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Hell:
    """``outcome`` and ``reason``, a regular expression, are what is to be noted of each attempt."""

    serve: Serve
    outcome: str
    reason: str


def _says(*parts: bytes, every: float = 0.0, then: bytes = b"", closes: bool = False) -> Serve:
    """A server that reads each request whole and says these, one every so many seconds; ``then``,
    if it is anything, again and again for ever."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            await read_request(reader)
            for part in chain(parts, repeat(then) if then else ()):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(every)
            if closes:
                return

    return serve


async def _never_answers(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read(-1)


async def _resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _speaks_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.com ESMTP\r\n")
    await reader.read(-1)


def _bytes_of(text: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in text]


def gzip_bomb(megabytes: int = 4096) -> bytes:
    """So many megabytes of zeros: a block of one, which can be repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    first = packer.compress(_MEGABYTE) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + first * megabytes


_BOMB = gzip_bomb()
_NO_ANSWER, _NO_HTTP = "no answer in 2 s", "no valid HTTP answer: .+"
_NO_ANSWER_OR_HTTP = f"{_NO_ANSWER}|{_NO_HTTP}"
# What comes after the end of an answer may spoil it, or be the next one's fault.
_TAKEN_OR_NO_HTTP = f"HTTP status 20[04]|{_NO_HTTP}"
_CLOSED = "the connection was closed before an answer"

HELL = {
    "never answers": Hell(_never_answers, "failed", _NO_ANSWER),
    "answers one byte a second": Hell(
        _says(*_bytes_of(answer("200 OK")), every=1.0), "failed", _NO_ANSWER
    ),
    "sends its body one byte a second": Hell(
        _says(_OK, b"Content-Length: 60\r\n\r\n", *_bytes_of(b"x" * 60), every=1.0),
        "delivered",
        "HTTP status 200",
    ),
    "closes at once": Hell(_says(closes=True), "failed", _CLOSED),
    "closes in mid-header": Hell(_says(_OK + b"Content-Le", closes=True), "failed", _CLOSED),
    "resets the connection": Hell(
        _resets, "failed", "the connection broke: Connection reset by peer"
    ),
    "has a body of 10 MB": Hell(
        _says(answer("200 OK", body=_MEGABYTE * 10)), "delivered", "HTTP status 200"
    ),
    "has a body without end": Hell(
        _says(_OK + b"\r\n", then=_MEGABYTE), "delivered", "HTTP status 200"
    ),
    "fails with a body without end": Hell(
        _says(b"HTTP/1.1 500 Oops\r\n\r\n", then=_MEGABYTE), "failed", "HTTP status 500"
    ),
    "has chunks without end": Hell(
        _says(_CHUNKED, then=b"1\r\nx\r\n", every=0.05), "delivered", "HTTP status 200"
    ),
    "has a chunk without end": Hell(
        _says(_CHUNKED + b"ffffffffffff\r\n", then=_MEGABYTE), "delivered", "HTTP status 200"
    ),
    "has chunks of an impossible size": Hell(
        _says(_CHUNKED + b"-1\r\nx\r\n", closes=True),
        "delivered|failed",
        _TAKEN_OR_NO_HTTP,
    ),
    "has a gzip bomb": Hell(
        _says(answer("200 OK", "Content-Encoding: gzip", body=_BOMB)),
        "delivered",
        "HTTP status 200",
    ),
    "says Continue for ever": Hell(
        _says(then=b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), "failed", _NO_ANSWER_OR_HTTP
    ),
    "says Continue for ever, slowly": Hell(
        _says(then=b"HTTP/1.1 100 Continue\r\n\r\n", every=0.1), "failed", _NO_ANSWER_OR_HTTP
    ),
    "has a huge header": Hell(
        _says(_OK + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n"), "failed", _NO_HTTP
    ),
    "has headers without end": Hell(
        _says(_OK, then=b"X-Some: header of a usual size\r\n" * 1000), "failed", _NO_HTTP
    ),
    "has a header line without end": Hell(
        _says(_OK + b"X: ", then=b"x" * 10_000), "failed", _NO_HTTP
    ),
    "has a body with 204": Hell(
        _says(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHello"),
        "delivered|failed",
        _TAKEN_OR_NO_HTTP,
    ),
    "has more body than it says": Hell(
        _says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nHello"),
        "delivered|failed",
        _TAKEN_OR_NO_HTTP,
    ),
    "has less body than it says": Hell(
        _says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHello", closes=True),
        "delivered",
        "HTTP status 200",
    ),
    "has two lengths": Hell(
        _says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 5\r\n\r\nHello"),
        "failed",
        _NO_HTTP,
    ),
    "speaks HTTP/0.9": Hell(_says(b"<html>Hello</html>\n", closes=True), "failed", _NO_HTTP),
    "speaks SMTP": Hell(_speaks_first, "failed", _NO_HTTP),
    "speaks nothing that is known": Hell(
        _says(bytes(range(256)) * 100, closes=True), "failed", _NO_HTTP
    ),
    "answers more than once": Hell(
        _says(answer("200 OK") + answer("500 Oops") * 3), "delivered", "HTTP status 200"
    ),
    "switches protocols": Hell(
        _says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: tls\r\n\r\n"),
        "failed",
        "HTTP status 101",
    ),
    "has no such status": Hell(_says(b"HTTP/1.1 999999 What\r\n\r\n"), "failed", _NO_HTTP),
}
