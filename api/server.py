"""The HTTP server: uvicorn, on a socket and with TLS that whoever starts it has made."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

STOP_DEADLINE = 10


class HttpServer(uvicorn.Server):
    """``await HttpServer(app, door).serve()`` until ``should_exit``; ``listening`` is set once it
    does.

    ``door`` is bound and listens; with ``tls`` it is HTTPS. There are no signal handlers: the
    daemon stops in its own order.
    """

    def __init__(
        self, app: ASGIApp, door: socket.socket, tls: ssl.SSLContext | None = None
    ) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_DEADLINE,
        )
        config.load()
        config.ssl = tls
        super().__init__(config)
        self.listening = asyncio.Event()
        self._door = door

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([self._door])
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
