"""What `uapid deliveries` changes: retry and purge."""

import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database

from daemon.events.deliveries import DeliveryState
from tests.unit.cli.outbox import deliveries, end, lines, put, states
from tests.unit.daemon.people import JOHN, MARY

DEAD, DELIVERED, FAILED = DeliveryState.DEAD, DeliveryState.DELIVERED, DeliveryState.FAILED


def test_retry_of_ids_puts_them_back_whatever_became_of_them(config: Path, db: Database) -> None:
    put(db, "dead")
    dead = end(db, DEAD)
    put(db, "delivered")
    delivered = end(db, DELIVERED)
    told = lines(deliveries("retry", config, *dead, *delivered))
    assert told == ["2 deliveries put back into the queue"]
    assert states(db) == {"dead": "pending", "delivered": "pending"}
    assert lines(deliveries("retry", config, *dead)) == [
        "0 deliveries put back into the queue",
        "1 left as they are: they wait for their first attempt",
    ]


def test_retry_of_an_unknown_id_fails_and_puts_back_the_others(config: Path, db: Database) -> None:
    put(db, "dead")
    (id,) = end(db, DEAD)
    result = deliveries("retry", config, "msg_1", id)
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
    assert lines(deliveries("retry", config, *dead, MARY)) == [
        "0 deliveries put back into the queue"
    ]
    assert lines(deliveries("retry", config, *dead, JOHN)) == [
        "450 deliveries put back into the queue"
    ]
    now = states(db)
    assert (now["delivered"], now["failed"], now["dead449"]) == ("delivered", "failed", "pending")
    assert lines(deliveries("retry", config, "--since", "1h")) == [
        "1 delivery put back into the queue"
    ]


def test_retry_says_what_waits_and_what_cannot_be_put_back(config: Path, db: Database) -> None:
    put(db, "1")
    put(db, "2", extension=MARY)
    end(db, DEAD)
    with db.atomic():
        db.execute("UPDATE phone_call_events SET status = 0 WHERE id = 'of210'")
        db.execute("DELETE FROM phone_call_events WHERE id = 'of220'")
    assert lines(deliveries("retry", config, "--state", "dead")) == [
        "1 delivery put back into the queue",
        "1 of them: sent when their event is enabled",
        "1 not put back: their event is deleted",
    ]


@pytest.mark.parametrize("arguments", [[], ["msg_1", "--state", "dead"]])
def test_retry_wants_either_ids_or_a_choice(config: Path, arguments: list[str]) -> None:
    result = deliveries("retry", config, *arguments)
    assert result.exit_code == 2
    assert "name deliveries by their ids, or choose them with --state" in result.stderr


def test_only_what_is_failed_or_dead_is_retried_by_state(config: Path) -> None:
    result = deliveries("retry", config, "--state", "delivered")
    assert result.exit_code == 2
    assert "'failed', 'dead'" in result.stderr


def test_purge_asks_first_and_deletes_what_has_ended(config: Path, db: Database) -> None:
    put(db, "1")
    end(db, DEAD)
    put(db, "2")
    end(db, DELIVERED)
    put(db, "3")
    for answer in ("n\n", ""):
        refused = deliveries("purge", config, answer=answer)
        assert refused.exit_code == 1
        assert "Delete 2 deliveries?" in refused.stdout
    assert len(states(db)) == 3
    agreed = deliveries("purge", config, answer="y\n")
    assert agreed.stdout.endswith("2 deliveries deleted\n")
    assert states(db) == {"3": "pending"}


def test_purge_of_what_waits_has_to_be_asked_for_by_its_state(config: Path, db: Database) -> None:
    put(db, "1")
    put(db, "2", extension=MARY)
    assert lines(deliveries("purge", config, "--yes", "--extension", JOHN)) == [
        "0 deliveries deleted"
    ]
    pending = ("--yes", "--state", "pending")
    assert lines(deliveries("purge", config, *pending, "--extension", JOHN)) == [
        "1 delivery deleted"
    ]
    assert states(db) == {"2": "pending"}


def test_purge_by_age(config: Path, db: Database) -> None:
    put(db, "old", ago=3 * 86400.0)
    put(db, "new")
    end(db, DEAD)
    assert lines(deliveries("purge", config, "--yes", "--until", "2d")) == ["1 delivery deleted"]
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
        result = deliveries("retry", config, "--state", "dead")
        assert len(lines(deliveries("list", config))) == 1, "what only reads is not held up"
    finally:
        other.close()
    assert result.exit_code == 1
    assert result.stdout == "0 deliveries put back into the queue\n"
    assert "database is locked: another process, most likely the daemon" in result.stderr
    assert states(db) == {"1": "dead"}
