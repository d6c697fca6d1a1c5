"""Requests per second of the UAPI, against a bare route that answers with as much.

The whole stack with authorisation, in the real daemon; the bare one under the same HTTP server,
with the same limits, in a process of its own. And what the calls of one extension cost on a small
PBX and on a large one.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.calls import Calls
from bench.daemon import running_daemon
from bench.http_load import Target, answer_to, rate, request
from config.loading import load_settings
from tests.unit.ports import free_port

ROUNDS, REQUESTS = 7, 1_600
BARE_TARGET = 0.5
FEW, MANY = 5, 5_000
LARGE = [f"0003*{number:05d}" for number in range(100_000)]
LARGE_TARGET = 1.2

_EVENTS = "/uapi/extensions/@me/0003*{:05d}/phoneCallEvents"
_CALLS = "/uapi/phoneCalls/@me/{}"
_NEW_EVENT = {
    "type": "0",
    "method": "1",
    "note": "My phone call event is awesome",
    "url": "http://192.0.2.1/SaveMyPhoneCallDetails",
    "status": "1",
}


def main() -> None:
    asyncio.run(_measure())


async def _measure() -> None:
    async with _daemon(LARGE[: 2 * FEW], FEW) as small:
        await _against_bare(small)
        async with _daemon(LARGE, MANY) as large:
            await _small_and_large(small, large)


class _Daemon:
    """A daemon with calls, each between two extensions of its own from 0003*00000 on."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token

    def target(self, method: str, path: str, body: bytes = b"") -> Target:
        return Target(self._port, request(method, path, self._token, body))

    async def has(self, calls: int) -> None:
        """Wait until the last of so many calls is live."""
        last = self.target("GET", _CALLS.format(LARGE[2 * calls - 1]))
        async with asyncio.timeout(60):
            while (await answer_to(last))[0] != 200:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def _daemon(extensions: list[str], live: int) -> AsyncIterator[_Daemon]:
    with TemporaryDirectory() as folder:
        async with running_daemon(Path(folder), endpoints=extensions) as (pbx, uapid):
            port = load_settings(uapid.settings).http.port
            daemon = _Daemon(port, await uapid.token())
            calls = Calls(LARGE)
            for number in range(live):
                pbx.send_bytes(calls.begin(number))
            await daemon.has(live)
            yield daemon


async def _against_bare(daemon: _Daemon) -> None:
    new_event = json.dumps(_NEW_EVENT).encode()
    # What is created is another extension's, so that the lists stay as they are.
    created = daemon.target("POST", _EVENTS.format(1), new_event)
    listed = daemon.target("GET", _EVENTS.format(0))
    _, body = await answer_to(daemon.target("POST", _EVENTS.format(0), new_event))
    event = f"{_EVENTS.format(0)}/0/{json.loads(body)['id']}"
    async with _bare() as port:
        for what, ours in (
            ("list of PhoneCallEvents", listed),
            ("get of a PhoneCallEvent", daemon.target("GET", event)),
            ("create of a PhoneCallEvent", created),
            ("list of PhoneCalls", daemon.target("GET", _CALLS.format(LARGE[0]))),
        ):
            status, body = await answer_to(ours)
            method, _, rest = ours.request.partition(b" ")
            _, _, rest = rest.partition(b" ")
            bare = Target(port, b"%s /%d/%d %s" % (method, status, len(body), rest))
            own, other = await _in_turns(ours, bare)
            print(
                f"api, {what}: {own:,.0f} requests/s, a bare route {other:,.0f} "
                f"({len(body)} bytes): ratio {own / other:.2f} (target at least {BARE_TARGET})"
            )


async def _small_and_large(small: _Daemon, large: _Daemon) -> None:
    for what, number in (("number", LARGE[0]), ("short form", LARGE[0].partition("*")[2])):
        path = _CALLS.format(number)
        few, many = await _in_turns(small.target("GET", path), large.target("GET", path))
        print(
            f"api, calls of an extension by its {what}: {1e6 / many:,.0f} us with {MANY:,} calls "
            f"and {len(LARGE):,} extensions, {1e6 / few:,.0f} us with {FEW}: "
            f"ratio {few / many:.2f} (target at most {LARGE_TARGET})"
        )


async def _in_turns(one: Target, other: Target) -> tuple[float, float]:
    """The median rates; one round before warms up."""
    rates: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS + 1):
        for target, kept in zip((one, other), rates, strict=True):
            measured = await rate(target, REQUESTS)
            if number:
                kept.append(measured)
    return median(rates[0]), median(rates[1])


@asynccontextmanager
async def _bare() -> AsyncIterator[int]:
    """The port of the bare route."""
    port = free_port()
    server = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.bare", str(port))
    try:
        async with asyncio.timeout(10):
            while True:
                try:
                    await answer_to(Target(port, request("GET", "/200/1")))
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        yield port
    finally:
        server.terminate()
        await server.wait()


if __name__ == "__main__":
    main()
