"""Cost of an event when 10,000 calls are live, against the cost when 10 are.

The same further calls begin and are answered; with each of them the one that is live the longest
ends. Once each call is between two extensions of its own, once all are between the same two.
"""

import asyncio
from collections.abc import Callable, Iterator
from itertools import count

from bench.calls import EXTENSIONS, SETTINGS, Calls
from bench.taking import tracking
from bench.timing import Work, medians
from daemon.directory import Directory
from daemon.pbx.ami_protocol import AmiProtocol, parse
from daemon.pbx_names import Kind

FEW, MANY = 10, 10_000
FURTHER = 500
TARGET = 1.2
_READ = 1 << 16  # bytes that the line is given at once

# A PBX's tracker, and what makes a stream of AMI into the work of taking it in.
Way = Callable[[], Callable[[bytes], Work]]


def main() -> None:
    asyncio.run(_compare())


async def _compare() -> None:
    for whose, calls in (
        ("extensions of their own", Calls()),
        ("the same two extensions", Calls(EXTENSIONS[:2])),
    ):
        for what, way in (("tracker", _tracker_alone), ("line and tracker", _line_and_tracker)):
            few, many = medians(_rounds(way, calls, FEW), _rounds(way, calls, MANY))
            events = FURTHER * (calls.begin(0) + calls.end(0)).count(b"Event: ")
            print(
                f"flat, {what}, {whose}: {many / events * 1e6:.2f} us per event of AMI "
                f"at {MANY:,} live calls, {few / events * 1e6:.2f} at {FEW}: "
                f"ratio {many / few:.2f} (target at most {TARGET})"
            )


def _rounds(way: Way, calls: Calls, live: int) -> Iterator[Work]:
    """FURTHER calls each, on a PBX with so many."""
    taking = way()
    taking(b"".join(calls.begin(number) for number in range(MANY - live, MANY)))()
    for first in count(MANY, FURTHER):
        further = range(first, first + FURTHER)
        yield taking(b"".join(calls.begin(n) + calls.end(n - live) for n in further))


def _directory() -> Directory:
    directory = Directory(SETTINGS)
    directory.learn(Kind.TERMINAL, EXTENSIONS)
    return directory


def _tracker_alone() -> Callable[[bytes], Work]:
    tracker, take = tracking(_directory())

    def taking(stream: bytes) -> Work:
        events = [parse(raw) for raw in stream.decode().split("\r\n\r\n")[:-1]]
        wanted = [event for event in events if event["Event"] in tracker.event_names]

        def work() -> None:
            for event in wanted:
                take(event)

        return work

    return taking


def _line_and_tracker() -> Callable[[bytes], Work]:
    tracker, take = tracking(_directory())
    protocol = AmiProtocol(tracker.event_names, take, lambda: None)
    protocol.data_received(b"Asterisk Call Manager/11.0.0\r\n")

    def taking(stream: bytes) -> Work:
        reads = [stream[start : start + _READ] for start in range(0, len(stream), _READ)]

        def work() -> None:
            for read in reads:
                protocol.data_received(read)

        return work

    return taking


if __name__ == "__main__":
    main()
