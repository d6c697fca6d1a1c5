"""Events per second through AMI protocol and tracker, against bare panoramisk.

Both read the recording of 500 calls (class call) in chunks of 64 KiB on one core; panoramisk
dispatches to one empty callback.
"""

import asyncio
import gzip
from datetime import UTC, datetime
from pathlib import Path

from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol

from bench.timing import medians
from config.settings import Settings
from daemon.calls.tracker import Tracker
from daemon.directory import Directory
from daemon.pbx.ami import AmiProtocol

RECORDING = Path(__file__).parents[1] / "tests" / "recordings" / "500-calls-read-call.ami.gz"
CHUNK = 1 << 16
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    stream = gzip.decompress(RECORDING.read_bytes())
    chunks = [stream[i : i + CHUNK] for i in range(0, len(stream), CHUNK)]
    events = stream.count(b"\r\n\r\n") - 1
    ours, theirs = asyncio.run(_measure(chunks))
    print(
        f"intake: {events / ours:,.0f} events/s through protocol and tracker, "
        f"{events / theirs:,.0f} events/s through bare panoramisk: ratio {theirs / ours:.2f}"
    )


async def _measure(chunks: list[bytes]) -> tuple[float, float]:
    return medians(lambda: _uapid(chunks), lambda: _panoramisk(chunks))


def _uapid(chunks: list[bytes]) -> None:
    tracker = Tracker("bench", Directory(Settings()))
    protocol = AmiProtocol(lambda event: tracker.fold(event, NOW))
    for chunk in chunks:
        protocol.data_received(chunk)


def _panoramisk(chunks: list[bytes]) -> None:
    manager = Manager()
    manager.register_event("*", lambda manager, event: None)
    protocol = AMIProtocol()
    protocol.connection_made(None)
    protocol.factory = manager
    for chunk in chunks:
        protocol.data_received(chunk)


if __name__ == "__main__":
    main()
