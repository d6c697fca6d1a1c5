"""The HTTP server: uvicorn on a socket, with TLS and limits that whoever starts it gives."""

import asyncio
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from api.connection import LimitedConnection
from api.crowd import Crowd
from config.settings import Http

STOP_DEADLINE = 10
_BACKLOG = 2048
# Whoever opens thousands of connections at once is served some of them between other work.
_ACCEPTED_AT_ONCE = 64


class HttpServer(uvicorn.Server):
    """``await HttpServer(app, door, limits).serve()`` until ``should_exit``; ``listening`` is set
    once it does.

    ``door`` is bound; with ``tls`` it is HTTPS. ``limits`` gives the settings of the moment, and
    ``most`` is a number of connections that they cannot go beyond. There are no signal handlers:
    the daemon stops in its own order.
    """

    def __init__(
        self,
        app: ASGIApp,
        door: socket.socket,
        limits: Callable[[], Http],
        *,
        tls: ssl.SSLContext | None = None,
        most: int = sys.maxsize,
    ) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            # A warning for each request that is no HTTP would let anybody fill the log.
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_DEADLINE,
        )
        super().__init__(config)
        config.load()
        self.lifespan = config.lifespan_class(config)
        self.listening = asyncio.Event()
        self._door = door
        self._tls = tls
        self._crowd = Crowd(limits, most)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        # asyncio sets this only on sockets that it binds itself; without it each answer to a
        # request with a body waits some 40 ms for a delayed ACK. Accepted sockets inherit it.
        self._door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        seconds = self._crowd.limits().timeout if self._tls else None
        server = await asyncio.get_running_loop().create_server(
            self._connection,
            sock=self._door,
            ssl=self._tls,
            ssl_handshake_timeout=seconds,
            ssl_shutdown_timeout=seconds,
            backlog=_ACCEPTED_AT_ONCE,
        )
        self._door.listen(_BACKLOG)
        self.servers.append(server)
        self.listening.set()

    async def on_tick(self, counter: int) -> bool:
        """uvicorn calls this ten times a second."""
        self._crowd.hurry(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def _connection(self) -> LimitedConnection:
        return LimitedConnection(self.config, self.server_state, self.lifespan.state, self._crowd)
