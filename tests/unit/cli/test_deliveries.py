"""What `uapid deliveries` shows: list, show, count."""

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from daemon.events.deliveries import DeliveryState
from tests.unit.cli.commands import settings_file
from tests.unit.cli.outbox import deliveries, end, lines, put
from tests.unit.daemon.events.attempts import attempt_in
from tests.unit.daemon.people import JOHN, MARY

DEAD, DELIVERED, FAILED = DeliveryState.DEAD, DeliveryState.DELIVERED, DeliveryState.FAILED


def test_list_has_a_line_for_each_the_newest_first_in_columns(config: Path, db: Database) -> None:
    put(db, "call1")
    end(db, DEAD)
    put(db, "call2", extension=MARY)
    end(db, FAILED)
    put(db, "call33")
    newest, middle, oldest = lines(deliveries("list", config))
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
    assert lines(deliveries("list", config)) == []
    assert json.loads(deliveries("list", config, "--json").stdout) == []


def test_list_shows_what_is_asked_for(config: Path, db: Database) -> None:
    put(db, "old", ago=7200.0)
    put(db, "dead")
    end(db, DEAD)
    put(db, "mary", extension=MARY)
    put(db, "new")

    def calls(*arguments: str) -> list[str]:
        found = json.loads(deliveries("list", config, *arguments, "--json").stdout)
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
    result = deliveries("list", config, "--since", moment)
    assert result.exit_code == 2
    assert f"--since': got {moment!r}, allowed: a date with time and offset" in result.stderr
    assert "2h" in result.stderr


def test_an_unknown_state_and_a_limit_out_of_range_are_told_with_what_is_allowed(
    config: Path,
) -> None:
    result = deliveries("list", config, "--state", "lost")
    assert result.exit_code == 2
    assert "'pending', 'failed', 'delivered', 'dead'" in result.stderr
    assert "1<=x<=10000" in deliveries("list", config, "--limit", "0").stderr


def test_show_tells_all_about_one_but_no_secrets_of_its_url(config: Path, db: Database) -> None:
    put(db, "call1")
    end(db, FAILED)
    with db.atomic():
        (id,) = attempt_in(db, DELIVERED, time.time() + 7200)
    shown = "\n".join(lines(deliveries("show", config, id)))
    for text in (id, "delivered", JOHN, "of210", "http://a/", "CallerIDName    Mary & José"):
        assert text in shown
    attempts = [line for line in shown.splitlines() if line.startswith("attempt")]
    assert ["failed: HTTP status 500" in attempts[0], "0.250 s" in attempts[0]] == [True, True]
    assert "delivered: HTTP status 200" in attempts[1]
    assert "answer: thanks" in shown
    assert "hunter2" not in shown
    found = json.loads(deliveries("show", config, id, "--json").stdout)
    assert found["id"] == id
    assert [each["outcome"] for each in found["attempt"]] == ["failed", "delivered"]


def test_what_an_app_or_a_caller_wrote_does_not_command_the_terminal(
    config: Path, db: Database
) -> None:
    put(db, "call1")
    (id,) = end(db, DEAD)
    with db.atomic():
        db.execute("UPDATE deliveries SET excerpt = 'a\x1b[2J', form = 'CallerIDName=%1B%5D0%3Bx'")
    for result in (deliveries("show", config, id), deliveries("list", config)):
        assert "\x1b" not in "".join(lines(result))
    assert r"\x1b[2J" in deliveries("show", config, id).stdout


def test_show_of_an_unknown_one_says_so(config: Path, db: Database) -> None:
    result = deliveries("show", config, "msg_1")
    assert result.exit_code == 1
    assert "there is no delivery 'msg_1'" in result.stderr


def test_count_has_each_state_and_the_oldest_that_waits(config: Path, db: Database) -> None:
    put(db, "1", "2")
    end(db, DEAD)
    put(db, "3")
    counted = dict(line.split() for line in lines(deliveries("count", config)))
    assert counted.pop("oldest").startswith("20")
    assert counted == {"pending": "1", "failed": "0", "delivered": "0", "dead": "2"}
    found: dict[str, Any] = json.loads(deliveries("count", config, "--json").stdout)
    assert found.pop("oldestPending").startswith("20")
    assert found == {"pending": 1, "failed": 0, "delivered": 0, "dead": 2}


@pytest.mark.parametrize("command", ["list", "count", "purge"])
def test_a_store_that_cannot_be_opened_is_named(tmp_path: Path, command: str) -> None:
    config = settings_file(tmp_path)
    (tmp_path / "uapid.sqlite").mkdir()
    result = deliveries(command, config)
    assert result.exit_code == 1
    assert str(tmp_path / "uapid.sqlite") in result.stderr
