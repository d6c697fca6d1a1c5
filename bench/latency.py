"""Time from an event of AMI to the first byte of its webhook, on the real daemon.

DIALS calls begin each second. Once the daemon's store is on the disk, once in memory (a tmpfs),
where an fsync costs nothing; the disk's fsync is measured beside.
"""

import asyncio
import os
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from bench.calls import EXTENSIONS, Calls
from bench.daemon import running_daemon
from tests.unit.ami_server import AmiServer

DIALS = 200
SECONDS = 10
LIVE = 100
TARGET = 0.050
_MEMORY = Path("/dev/shm")
_CALL_ID = re.compile(rb"CallID=([0-9.]+)&")


def main() -> None:
    with TemporaryDirectory() as on_disk, TemporaryDirectory(dir=_MEMORY) as in_memory:
        memory = asyncio.run(_latencies(Path(in_memory)))
        disk = asyncio.run(_latencies(Path(on_disk)))
        fsync = _fsync(Path(on_disk))
    over = _p99(disk) - _p99(memory) - fsync
    print(
        f"latency at {DIALS} webhooks/s: p99 {_p99(disk) * 1e3:.1f} ms, with the store in memory "
        f"{_p99(memory) * 1e3:.1f} ms, one fsync {fsync * 1e3:.2f} ms: "
        f"{over * 1e3:.1f} ms over both (target at most {TARGET * 1e3:.0f})"
    )


def _p99(latencies: list[float]) -> float:
    return quantiles(latencies, n=100)[-1]


async def _latencies(folder: Path) -> list[float]:
    """Seconds, of each DialIn."""
    app = _App()
    server = await asyncio.get_running_loop().create_server(
        lambda: app.connection(), "127.0.0.1", 0
    )
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with (
        server,
        running_daemon(folder, before=lambda path: _subscribe(path, url)) as (pbx, _),
    ):
        return await _play(pbx, app)


async def _play(pbx: AmiServer, app: "_App") -> list[float]:
    calls = Calls()
    sent: dict[str, float] = {}
    began = time.perf_counter()
    for number in range(DIALS * SECONDS):
        await asyncio.sleep(max(0.0, began + number / DIALS - time.perf_counter()))
        sent[calls.called_channel(number)] = time.perf_counter()
        pbx.send_bytes(calls.begin(number))
        if number >= LIVE:
            pbx.send_bytes(calls.end(number - LIVE))
    async with asyncio.timeout(30):
        while len(app.came) < len(sent):
            await asyncio.sleep(0.01)
    return [app.came[channel] - at for channel, at in sent.items()]


class _App:
    """Notes when the first byte of each webhook has come, by its CallID."""

    def __init__(self) -> None:
        self.came: dict[str, float] = {}

    def connection(self) -> asyncio.Protocol:
        return _Connection(self)


class _Connection(asyncio.Protocol):
    def __init__(self, app: _App) -> None:
        self._app = app

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        for call in _CALL_ID.findall(data):
            self._app.came.setdefault(call.decode(), now)
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def _subscribe(path: Path, url: str) -> None:
    """A PhoneCallEvent DialIn, sent by GET, for each extension."""
    rows = [(f"{n:032d}", extension, url) for n, extension in enumerate(EXTENSIONS)]
    with closing(sqlite3.connect(path)) as store, store:
        store.executemany(
            "INSERT INTO phone_call_events (id, extension, type, method, note, url, status,"
            " modified, origin) VALUES (?1, ?2, 0, 0, '', ?3, 1, '2026-01-01T00:00:00+00:00',"
            " rtrim(?3, '/'))",
            rows,
        )


def _fsync(folder: Path) -> float:
    """The median seconds of writing a page and forcing it to the disk."""
    seconds = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(101):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - began)
    return sorted(seconds)[50]


if __name__ == "__main__":
    main()
