"""Servers that answer one attempt as the test says, byte by byte."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from config import settings
from daemon.events.attempt import Sender
from daemon.events.deliveries import Outcome
from daemon.events.guard import Guard
from tests.unit.daemon.events.changes import A_DELIVERY

FORM = "CallID=1.1&CallerIDName=J%C3%B6rg+M."
DELIVERY = A_DELIVERY._replace(form=FORM)
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def sending(**of_delivery: Any) -> AsyncIterator[Sender]:
    given = {"allow_networks": ["127.0.0.0/8"], **of_delivery}
    delivery = settings.Delivery.model_validate(given)
    async with Sender(delivery, Guard(delivery)) as sender:
        yield sender


@asynccontextmanager
async def raw_server(
    answer: bytes | Handler, tls: ssl.SSLContext | None = None
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


async def outcome_of(
    answer: bytes | Handler, tls: ssl.SSLContext | None = None, **of_delivery: Any
) -> Outcome:
    async with raw_server(answer, tls) as url, sending(**of_delivery) as sender:
        return await sender.send(DELIVERY._replace(url=url))


def http_answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status} Word", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body
