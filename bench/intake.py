"""Events per second through line, tracker and matching, against bare panoramisk.

Both read a recording of 500 calls from a socket on one core, as fast as they can; panoramisk
dispatches to one empty callback. Once with all events of the PBX (read=all), once with those of
class call alone.
"""

import asyncio
import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol

from bench.replay import RECORDINGS, replaying
from bench.timing import medians
from config.settings import Settings
from daemon.calls.tracker import Tracker
from daemon.directory import Directory
from daemon.pbx.ami_protocol import AmiEvent, AmiProtocol

OnEvent = Callable[[AmiEvent], object]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    _compare("read=all", RECORDINGS / "500-calls-read-all.ami.gz", whole=2.0, line=4.0)
    _compare("read=call", RECORDINGS / "500-calls-read-call.ami.gz", whole=1.0, line=2.5)


def _compare(name: str, recording: Path, *, whole: float, line: float) -> None:
    events = gzip.decompress(recording.read_bytes()).count(b"\r\n\r\nEvent: ")
    with replaying(recording) as port, asyncio.Runner() as runner:

        def ratio(what: str, on_event: Callable[[], OnEvent], target: float) -> None:
            ours, theirs = medians(
                lambda: runner.run(_uapid(port, on_event())),
                lambda: runner.run(_panoramisk(port)),
            )
            print(
                f"intake, {name}: {events / ours:,.0f} events/s through {what}, "
                f"{events / theirs:,.0f} through bare panoramisk: "
                f"ratio {theirs / ours:.2f} (target {target})"
            )

        ratio("line alone", lambda: _ignore, line)
        ratio("line, tracker and matching", _whole_way, whole)


def _ignore(event: AmiEvent) -> None:
    return


def _whole_way() -> OnEvent:
    tracker = Tracker("bench", Directory(Settings()))

    def take(event: AmiEvent) -> None:
        _match(tracker.fold(event, NOW))

    return take


def _match(changes: list[Any]) -> None:
    """Nobody has subscribed to anything."""


async def _uapid(port: int, on_event: OnEvent) -> None:
    wanted = Tracker("bench", Directory(Settings())).event_names
    _, protocol = await asyncio.get_running_loop().create_connection(
        lambda: AmiProtocol(wanted, on_event, lambda: None), "127.0.0.1", port
    )
    await protocol.lost


class _Panoramisk(Manager):  # type: ignore[misc]
    """Without its reconnect."""

    def __init__(self) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.lost = asyncio.Event()

    def make_protocol(self) -> AMIProtocol:
        protocol = _PanoramiskProtocol()
        protocol.bench_factory = self
        return protocol

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.set()


class _PanoramiskProtocol(AMIProtocol):  # type: ignore[misc]
    bench_factory: _Panoramisk

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.factory = self.bench_factory


async def _panoramisk(port: int) -> None:
    manager = _Panoramisk()
    manager.register_event("*", lambda manager, event: None)
    await asyncio.get_running_loop().create_connection(manager.make_protocol, "127.0.0.1", port)
    await manager.lost.wait()


if __name__ == "__main__":
    main()
