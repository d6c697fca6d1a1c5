"""Events per second through line, tracker and matching, against bare panoramisk.

Both read a recording of 500 calls from a socket on one core, as fast as they can; panoramisk
dispatches to one empty callback. Once with all events of the PBX (read=all), once with those of
class call alone.
"""

import asyncio
import gzip
from collections.abc import Callable
from itertools import repeat
from pathlib import Path

from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol

from bench.replay import replaying
from bench.taking import OnEvent, tracking
from bench.timing import medians
from config.people import Extension
from config.settings import Settings
from daemon.directory import Directory
from daemon.pbx.ami_protocol import AmiEvent, AmiProtocol
from tests.unit.ami_stream import RECORDINGS

# The phone that is called in the recordings.
PHONE = Extension(number="100", type="terminal", endpoint="PJSIP/bob")


def main() -> None:
    _compare("read=all", RECORDINGS / "500-calls-read-all.ami.gz", whole=2.0, line=4.0)
    _compare("read=call", RECORDINGS / "500-calls-read-call.ami.gz", whole=1.0, line=2.5)


def _compare(name: str, recording: Path, *, whole: float, line: float) -> None:
    events = gzip.decompress(recording.read_bytes()).count(b"\r\n\r\nEvent: ")
    with replaying(recording) as port, asyncio.Runner() as runner:

        def ratio(what: str, on_event: Callable[[], OnEvent], target: float) -> None:
            ours, theirs = medians(
                repeat(lambda: runner.run(_uapid(port, on_event()))),
                repeat(lambda: runner.run(_panoramisk(port))),
            )
            print(
                f"intake, {name}: {events / ours:,.0f} events/s through {what}, "
                f"{events / theirs:,.0f} through bare panoramisk: "
                f"ratio {theirs / ours:.2f} (target {target})"
            )

        ratio("line alone", lambda: _ignore, line)
        ratio("line, tracker and matching", lambda: tracking(_directory())[1], whole)


def _ignore(event: AmiEvent) -> None:
    return


def _directory() -> Directory:
    return Directory(Settings(extensions=(PHONE,)))


async def _uapid(port: int, on_event: OnEvent) -> None:
    wanted = tracking(_directory())[0].event_names
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
