"""Look-ups of the host names of webhooks, each in a thread of its own.

The event loop's own threads are few, so that one dead name server would hold up every look-up;
and a pool of threads is waited for when the process ends. These are not.
"""

import asyncio
import errno
import socket
import threading
from contextlib import suppress
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult


class ThreadResolver(AbstractResolver):
    """At most ``limit`` look-ups at once; one that was given up counts until it has ended.

    ``deadline`` is the seconds that one may take.
    """

    def __init__(self, limit: int, deadline: float) -> None:
        self._room = asyncio.Semaphore(limit)
        self._deadline = deadline

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """All TCP addresses of the host. Raises OSError."""
        try:
            async with asyncio.timeout(self._deadline):
                return await self._look_up(host, port, family)
        except TimeoutError:
            reason = f"no name server has answered in {self._deadline:g} s"
            raise OSError(errno.ETIMEDOUT, reason) from None

    async def _look_up(
        self, host: str, port: int, family: socket.AddressFamily
    ) -> list[ResolveResult]:
        await self._room.acquire()
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[ResolveResult]] = loop.create_future()

        def settle(addresses: list[ResolveResult], error: OSError | None) -> None:
            self._room.release()
            if found.done():
                return
            if error is None:
                found.set_result(addresses)
            else:
                found.set_exception(error)

        def run() -> None:
            outcome = _outcome(host, port, family)
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(settle, *outcome)

        try:
            threading.Thread(target=run, name=f"look-up of {host}", daemon=True).start()
        except RuntimeError as error:
            self._room.release()
            raise OSError(errno.EAGAIN, str(error)) from error
        return await found

    async def close(self) -> None:
        """Nothing is to be closed: nobody waits for a look-up that is still under way."""


def _outcome(
    host: str, port: int, family: socket.AddressFamily
) -> tuple[list[ResolveResult], OSError | None]:
    try:
        infos = socket.getaddrinfo(
            host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    except OSError as error:
        return [], error
    except UnicodeError:
        return [], OSError(errno.EINVAL, "this is not a host name")
    return [_result(host, *info) for info in infos], None


def _result(
    host: str, family: socket.AddressFamily, type: int, proto: int, _: str, address: tuple[Any, ...]
) -> ResolveResult:
    text, port, *more = address
    scope = more[1] if more else 0
    return ResolveResult(
        hostname=host,
        host=f"{text}%{scope}" if scope else text,
        port=port,
        family=family,
        proto=proto,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
