"""What the daemon does with an event until it is recorded: Service, without its log and store."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from daemon.calls.tracker import Tracker
from daemon.directory import Directory
from daemon.events.matching import notices
from daemon.events.phone_call_events import PhoneCallEvents
from daemon.pbx.ami_protocol import AmiEvent
from daemon.store import Store

OnEvent = Callable[[AmiEvent], object]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def tracking(directory: Directory) -> tuple[Tracker, OnEvent]:
    """A tracker, and what takes an event: it tracks and matches; nobody has subscribed."""
    tracker = Tracker("bench", directory)
    subscriptions = PhoneCallEvents(Store(Path("never-opened")))

    def take(event: AmiEvent) -> None:
        changes = tracker.fold(event, NOW)
        if tracker.take_touched():
            notices(changes, subscriptions.wanting)

    return tracker, take
