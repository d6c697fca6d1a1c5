"""An app's side of call events: an HTTP server that keeps what it is sent."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from aiohttp import web

from tests.pbx.addresses import address

HOST, PORT = address(3), 8090
URL = f"http://{HOST}:{PORT}"
PATIENCE = 10.0


@dataclass(frozen=True)
class Webhook:
    """One request: ``parameters`` come from the query of a GET or the form of a POST."""

    path: str
    method: str
    parameters: dict[str, str]
    headers: dict[str, str]


class Receiver:
    """`async with Receiver() as receiver:` listens at URL and answers ``status`` to everything."""

    def __init__(self) -> None:
        self.status = 200
        self.received: list[Webhook] = []
        self._came = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, PORT).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def wait_for(self, count: int) -> list[Webhook]:
        """What came since the start, once it is so many; TimeoutError tells what there is."""
        try:
            async with asyncio.timeout(PATIENCE):
                while len(self.received) < count:
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            raise TimeoutError(f"{count} webhooks awaited, came: {self.received}") from None
        return self.received

    async def _take(self, request: web.Request) -> web.Response:
        source = request.query if request.method == "GET" else await request.post()
        self.received.append(
            Webhook(
                request.path,
                request.method,
                {name: str(value) for name, value in source.items()},
                dict(request.headers),
            )
        )
        self._came.set()
        return web.Response(status=self.status)


def as_it_happened(webhooks: list[Webhook], store: Path) -> list[Webhook]:
    """Webhooks in the order in which the daemon recorded what they tell, by its store.

    Those of different PhoneCallEvents may overtake each other.
    """
    with closing(sqlite3.connect(store)) as db:
        seqs = dict(db.execute("SELECT webhook_id, seq FROM deliveries"))
    return sorted(webhooks, key=lambda webhook: seqs[webhook.headers["webhook-id"]])
