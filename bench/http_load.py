"""Requests to an HTTP server as fast as it answers them, on a few connections that stay open."""

import asyncio
import re
import time
from dataclasses import dataclass

CONNECTIONS = 16

_LENGTH = re.compile(rb"content-length: ([0-9]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """A request to repeat, and the port of who answers it on this machine."""

    port: int
    request: bytes


def request(method: str, path: str, token: str = "", body: bytes = b"") -> bytes:
    """The bytes of a request, with a bearer token if there is one."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", "Content-Type: application/json"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


async def answer_to(target: Target) -> tuple[int, bytes]:
    """Status and body of one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    found = await _exchange(reader, writer, target.request)
    writer.close()
    await writer.wait_closed()
    return found


async def rate(target: Target, count: int) -> float:
    """Requests per second. Raises RuntimeError for an answer that is no success."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(_repeat(target, count // CONNECTIONS))
    return count // CONNECTIONS * CONNECTIONS / (time.perf_counter() - began)


async def _repeat(target: Target, count: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    for _ in range(count):
        status, body = await _exchange(reader, writer, target.request)
        if not 200 <= status < 300:
            raise RuntimeError(f"HTTP status {status}: {body!r}")
    writer.close()
    await writer.wait_closed()


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes
) -> tuple[int, bytes]:
    writer.write(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length else b""
    return int(head[9:12]), body
