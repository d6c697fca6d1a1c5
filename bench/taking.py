"""What the daemon does with an event until it is written: Service, without its log and threads."""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlite_utils import Database

from daemon.calls.tracker import Tracker
from daemon.directory import Directory
from daemon.events.outbox_sql import record
from daemon.pbx.ami_protocol import AmiEvent
from daemon.tables import migrations

OnEvent = Callable[[AmiEvent], object]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def tracking(directory: Directory) -> tuple[Tracker, OnEvent]:
    """A tracker, and what takes an event: it tracks and matches; nobody has subscribed."""
    tracker = Tracker("bench", directory)
    store = Database(memory=True)
    migrations.apply(store)

    def take(event: AmiEvent) -> None:
        changes = tracker.fold(event, NOW)
        if tracker.take_touched() and changes:
            record(store, changes, {}, NOW.timestamp())

    return tracker, take
