"""An outbox for the tests of ``uapid deliveries``: what it has and what becomes of it."""

import time
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner, Result
from sqlite_utils import Database

from cli.main import main
from daemon.events import outbox_sql, sight
from daemon.events.deliveries import DeliveryState
from daemon.events.selection import Selection
from tests.unit.daemon.events.attempts import attempt_in
from tests.unit.daemon.events.changes import DIAL_IN
from tests.unit.daemon.people import JOHN


def put(db: Database, *calls: str, extension: str = JOHN, ago: float = 60.0) -> None:
    """One delivery for each call."""
    for call in calls:
        change = replace(DIAL_IN, call_id=call, extension=extension)
        with db.atomic():
            outbox_sql.record(db, [change], {}, time.time() - ago)


def end(db: Database, state: DeliveryState) -> list[str]:
    """All that is due has had an attempt; the ids, in order."""
    with db.atomic():
        return attempt_in(db, state, time.time(), again=time.time() + 3600)


def states(db: Database) -> dict[str, str]:
    """By call."""
    found = sight.find(db, Selection(), newest_first=False, limit=1000)
    return {delivery.call: delivery.state.value for delivery in found}


def deliveries(command: str, config: Path, *arguments: str, answer: str | None = None) -> Result:
    """``uapid deliveries …``; ``answer`` is what is typed."""
    given = ["deliveries", command, "--config", str(config), *arguments]
    return CliRunner().invoke(main, given, input=answer)


def lines(result: Result) -> list[str]:
    """What a command printed that has succeeded."""
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.splitlines()
