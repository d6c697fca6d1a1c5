import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlite_utils import Database

from cli.main import main
from daemon.events import outbox_sql, sight
from daemon.events.deliveries import DeliveryState
from daemon.events.selection import Selection
from daemon.store import open_database
from tests.unit.cli.commands import settings_file
from tests.unit.daemon.events.attempts import attempt_in
from tests.unit.daemon.events.changes import DIAL_IN
from tests.unit.daemon.people import JOHN, MARY

DEAD, DELIVERED, FAILED = DeliveryState.DEAD, DeliveryState.DELIVERED, DeliveryState.FAILED


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return settings_file(tmp_path, '[node]\ntimezone = "Europe/Bucharest"\n')


@pytest.fixture
def db(config: Path) -> Iterator[Database]:
    """The store of the commands, with a PhoneCallEvent of John's and one of Mary's."""
    db = open_database(config.parent / "uapid.sqlite")
    for extension in (JOHN, MARY):
        row = {"id": f"of{extension[-3:]}", "extension": extension, "type": 0, "method": 1}
        shown = {"note": "", "url": "http://a/?key=hunter2", "origin": "http://a:80", "status": 1}
        db.table("phone_call_events").insert({**row, **shown, "modified": "2026-01-01T00:00+00:00"})
    yield db
    db.close()


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


def uapid(command: str, config: Path, *arguments: str, answer: str | None = None) -> Result:
    given = ["deliveries", command, "--config", str(config), *arguments]
    return CliRunner().invoke(main, given, input=answer)


def lines(result: Result) -> list[str]:
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.splitlines()


def states(db: Database) -> dict[str, str]:
    """By call."""
    found = sight.find(db, Selection(), newest_first=False, limit=1000)
    return {delivery.call: delivery.state.value for delivery in found}


def test_list_has_a_line_for_each_the_newest_first_in_columns(config: Path, db: Database) -> None:
    put(db, "call1")
    end(db, DEAD)
    put(db, "call2", extension=MARY)
    end(db, FAILED)
    put(db, "call33")
    newest, middle, oldest = lines(uapid("list", config))
    assert [line.split("  ")[1].strip() for line in (newest, middle, oldest)] == [
        "pending",
        "failed",
        "dead",
    ]
    for line, call in ((newest, "call33"), (middle, "call2"), (oldest, "call1")):
        assert line.startswith("msg_")
        assert line.index(f"call {call}") == newest.index("call call33"), "columns"
        created = datetime.fromisoformat(line.split()[2])
        assert created.utcoffset() is not None
        assert 50 < time.time() - created.timestamp() < 90
    assert JOHN in newest
    assert MARY in middle
    assert "DIAL_IN CALLING" in newest
    assert "next attempt 20" in newest
    assert "1 attempt, HTTP status 500, next attempt 20" in middle
    assert oldest.endswith("1 attempt, HTTP status 500")


def test_list_of_nothing_is_empty(config: Path, db: Database) -> None:
    assert lines(uapid("list", config)) == []
    assert json.loads(uapid("list", config, "--json").stdout) == []


def test_list_shows_what_is_asked_for(config: Path, db: Database) -> None:
    put(db, "old", ago=7200.0)
    put(db, "dead")
    end(db, DEAD)
    put(db, "mary", extension=MARY)
    put(db, "new")

    def calls(*arguments: str) -> list[str]:
        found = json.loads(uapid("list", config, *arguments, "--json").stdout)
        return [each["parameters"]["CallAPIID"] for each in found]

    assert calls() == ["new", "mary", "dead", "old"]
    assert calls("--oldest", "--limit", "2") == ["old", "dead"]
    assert calls("--state", "dead", "--since", "1h") == ["dead"]
    assert calls("--state", "pending", "--state", "dead") == ["new", "mary", "dead", "old"]
    assert calls("--extension", MARY) == ["mary"]
    assert calls("--event", "of210", "--state", "pending") == ["new"]
    assert calls("--until", "90m") == ["old"]
    earlier = datetime.fromtimestamp(time.time() - 5400).astimezone().isoformat()
    assert calls("--until", earlier) == ["old"]
    assert calls("--extension", "0003*999") == []


@pytest.mark.parametrize("moment", ["", "yesterday", "2x", "-2h", "2026-11-22T10:00:00", "h"])
def test_a_time_that_cannot_be_read_is_told_with_what_can(config: Path, moment: str) -> None:
    result = uapid("list", config, "--since", moment)
    assert result.exit_code == 2
    assert f"--since': got {moment!r}, allowed: a date with time and offset" in result.stderr
    assert "2h" in result.stderr


def test_an_unknown_state_and_a_limit_out_of_range_are_told_with_what_is_allowed(
    config: Path,
) -> None:
    result = uapid("list", config, "--state", "lost")
    assert result.exit_code == 2
    assert "'pending', 'failed', 'delivered', 'dead'" in result.stderr
    assert "1<=x<=10000" in uapid("list", config, "--limit", "0").stderr


def test_show_tells_all_about_one_but_no_secrets_of_its_url(config: Path, db: Database) -> None:
    put(db, "call1")
    end(db, FAILED)
    with db.atomic():
        (id,) = attempt_in(db, DELIVERED, time.time() + 7200)
    shown = "\n".join(lines(uapid("show", config, id)))
    for text in (id, "delivered", JOHN, "of210", "http://a/", "CallerIDName    Mary & José"):
        assert text in shown
    attempts = [line for line in shown.splitlines() if line.startswith("attempt")]
    assert ["failed: HTTP status 500" in attempts[0], "0.250 s" in attempts[0]] == [True, True]
    assert "delivered: HTTP status 200" in attempts[1]
    assert "answer: thanks" in shown
    assert "hunter2" not in shown
    found = json.loads(uapid("show", config, id, "--json").stdout)
    assert found["id"] == id
    assert [each["outcome"] for each in found["attempt"]] == ["failed", "delivered"]


def test_what_an_app_or_a_caller_wrote_does_not_command_the_terminal(
    config: Path, db: Database
) -> None:
    put(db, "call1")
    (id,) = end(db, DEAD)
    with db.atomic():
        db.execute("UPDATE deliveries SET excerpt = 'a\x1b[2J', form = 'CallerIDName=%1B%5D0%3Bx'")
    for result in (uapid("show", config, id), uapid("list", config)):
        assert "\x1b" not in "".join(lines(result))
    assert r"\x1b[2J" in uapid("show", config, id).stdout


def test_show_of_an_unknown_one_says_so(config: Path, db: Database) -> None:
    result = uapid("show", config, "msg_1")
    assert result.exit_code == 1
    assert "there is no delivery 'msg_1'" in result.stderr


def test_count_has_each_state_and_the_oldest_that_waits(config: Path, db: Database) -> None:
    put(db, "1", "2")
    end(db, DEAD)
    put(db, "3")
    counted = dict(line.split() for line in lines(uapid("count", config)))
    assert counted.pop("oldest").startswith("20")
    assert counted == {"pending": "1", "failed": "0", "delivered": "0", "dead": "2"}
    found: dict[str, Any] = json.loads(uapid("count", config, "--json").stdout)
    assert found.pop("oldestPending").startswith("20")
    assert found == {"pending": 1, "failed": 0, "delivered": 0, "dead": 2}


def test_retry_of_ids_puts_them_back_whatever_became_of_them(config: Path, db: Database) -> None:
    put(db, "dead")
    dead = end(db, DEAD)
    put(db, "delivered")
    delivered = end(db, DELIVERED)
    told = lines(uapid("retry", config, *dead, *delivered))
    assert told == ["2 deliveries put back into the queue"]
    assert states(db) == {"dead": "pending", "delivered": "pending"}
    assert lines(uapid("retry", config, *dead)) == [
        "0 deliveries put back into the queue",
        "1 left as they are: they wait for their first attempt",
    ]


def test_retry_of_an_unknown_id_fails_and_puts_back_the_others(config: Path, db: Database) -> None:
    put(db, "dead")
    (id,) = end(db, DEAD)
    result = uapid("retry", config, "msg_1", id)
    assert result.exit_code == 1
    assert result.stdout == "1 delivery put back into the queue\n"
    assert "there is no delivery 'msg_1'" in result.stderr
    assert states(db) == {"dead": "pending"}


def test_retry_of_what_is_chosen_leaves_the_rest(config: Path, db: Database) -> None:
    put(db, "delivered")
    end(db, DELIVERED)
    put(db, "failed", extension=MARY)
    end(db, FAILED)
    put(db, *(f"dead{n}" for n in range(450)))
    end(db, DEAD)
    dead = ("--state", "dead", "--extension")
    assert lines(uapid("retry", config, *dead, MARY)) == ["0 deliveries put back into the queue"]
    assert lines(uapid("retry", config, *dead, JOHN)) == ["450 deliveries put back into the queue"]
    now = states(db)
    assert (now["delivered"], now["failed"], now["dead449"]) == ("delivered", "failed", "pending")
    assert lines(uapid("retry", config, "--since", "1h")) == ["1 delivery put back into the queue"]


def test_retry_says_what_waits_and_what_cannot_be_put_back(config: Path, db: Database) -> None:
    put(db, "1")
    put(db, "2", extension=MARY)
    end(db, DEAD)
    with db.atomic():
        db.execute("UPDATE phone_call_events SET status = 0 WHERE id = 'of210'")
        db.execute("DELETE FROM phone_call_events WHERE id = 'of220'")
    assert lines(uapid("retry", config, "--state", "dead")) == [
        "1 delivery put back into the queue",
        "1 of them: sent when their event is enabled",
        "1 not put back: their event is deleted",
    ]


@pytest.mark.parametrize("arguments", [[], ["msg_1", "--state", "dead"]])
def test_retry_wants_either_ids_or_a_choice(config: Path, arguments: list[str]) -> None:
    result = uapid("retry", config, *arguments)
    assert result.exit_code == 2
    assert "name deliveries by their ids, or choose them with --state" in result.stderr


def test_only_what_is_failed_or_dead_is_retried_by_state(config: Path) -> None:
    result = uapid("retry", config, "--state", "delivered")
    assert result.exit_code == 2
    assert "'failed', 'dead'" in result.stderr


def test_purge_asks_first_and_deletes_what_has_ended(config: Path, db: Database) -> None:
    put(db, "1")
    end(db, DEAD)
    put(db, "2")
    end(db, DELIVERED)
    put(db, "3")
    for answer in ("n\n", ""):
        refused = uapid("purge", config, answer=answer)
        assert refused.exit_code == 1
        assert "Delete 2 deliveries?" in refused.stdout
    assert len(states(db)) == 3
    agreed = uapid("purge", config, answer="y\n")
    assert agreed.stdout.endswith("2 deliveries deleted\n")
    assert states(db) == {"3": "pending"}


def test_purge_of_what_waits_has_to_be_asked_for_by_its_state(config: Path, db: Database) -> None:
    put(db, "1")
    put(db, "2", extension=MARY)
    assert lines(uapid("purge", config, "--yes", "--extension", JOHN)) == ["0 deliveries deleted"]
    pending = ("--yes", "--state", "pending")
    assert lines(uapid("purge", config, *pending, "--extension", JOHN)) == ["1 delivery deleted"]
    assert states(db) == {"2": "pending"}


def test_purge_by_age(config: Path, db: Database) -> None:
    put(db, "old", ago=3 * 86400.0)
    put(db, "new")
    end(db, DEAD)
    assert lines(uapid("purge", config, "--yes", "--until", "2d")) == ["1 delivery deleted"]
    assert states(db) == {"new": "dead"}


def test_a_store_that_others_keep_writing_to_is_told(
    config: Path, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.store._BUSY_SECONDS", 0.1)
    put(db, "1")
    end(db, DEAD)
    other = sqlite3.connect(config.parent / "uapid.sqlite")
    other.execute("BEGIN IMMEDIATE")
    try:
        result = uapid("retry", config, "--state", "dead")
        assert len(lines(uapid("list", config))) == 1, "what only reads is not held up"
    finally:
        other.close()
    assert result.exit_code == 1
    assert result.stdout == "0 deliveries put back into the queue\n"
    assert "database is locked: another process, most likely the daemon" in result.stderr
    assert states(db) == {"1": "dead"}


@pytest.mark.parametrize("command", ["list", "count", "purge"])
def test_a_store_that_cannot_be_opened_is_named(tmp_path: Path, command: str) -> None:
    config = settings_file(tmp_path)
    (tmp_path / "uapid.sqlite").mkdir()
    result = uapid(command, config)
    assert result.exit_code == 1
    assert str(tmp_path / "uapid.sqlite") in result.stderr
