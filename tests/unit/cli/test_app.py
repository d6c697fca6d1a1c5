import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlite_utils import Database

from cli.main import main
from daemon.apps import app_with_key
from daemon.events.signature import signature
from daemon.store import open_database
from daemon.tokens import create_token, find_token
from tests.unit.cli.commands import settings_file


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return settings_file(tmp_path)


def _app(command: str, config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["app", command, "--config", str(config), *arguments])


@contextmanager
def _opened(config: Path) -> Iterator[Database]:
    db = open_database(config.parent / "uapid.sqlite")
    try:
        yield db
    finally:
        db.close()


def _new(config: Path, name: str = "CRM") -> dict[str, Any]:
    made: dict[str, Any] = json.loads(_app("create", config, "--user", "12", "--name", name).stdout)
    return made


def test_create_prints_the_app_and_its_secret_as_json(config: Path) -> None:
    result = _app("create", config, "--user", "12", "--name", "Müller's CRM")
    assert (result.exit_code, result.stderr) == (0, "")
    made = json.loads(result.stdout)
    assert list(made) == ["key", "secret", "name", "user", "webhookSecret"]
    assert (made["name"], made["user"]) == ("Müller's CRM", 12)
    assert signature("id", 0, b"", [made["webhookSecret"]])
    assert _app("webhook-secret", config, made["key"]).stdout.split() == [made["webhookSecret"]]


def test_create_for_an_unknown_user_names_those_that_there_are(config: Path) -> None:
    result = _app("create", config, "--user", "13", "--name", "CRM")
    assert result.exit_code == 2
    assert "got 13, allowed: 12" in result.stderr
    assert _app("list", config).stdout == ""


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "\x1b[31m", "x" * 101])
def test_create_with_a_name_that_does_not_show(config: Path, name: str) -> None:
    result = _app("create", config, "--user", "12", "--name", name)
    assert result.exit_code == 2
    assert "allowed: 1 to 100 characters that print" in result.stderr
    assert _app("list", config).stdout == ""


def test_list_shows_a_line_for_each_app_and_no_secret(config: Path) -> None:
    made = [_new(config, name) for name in ("CRM", "the other one")]
    result = _app("list", config)
    assert result.exit_code == 0
    for app, line in zip(made, result.stdout.splitlines(), strict=True):
        id, _user, user, _created, created, name = line.split(maxsplit=5)
        assert (id, user, name) == (app["key"], "12", app["name"])
        assert datetime.fromisoformat(created).tzinfo
        assert app["secret"] not in result.stdout
        assert app["webhookSecret"] not in result.stdout


def test_list_tells_whose_user_is_gone_from_the_settings(config: Path) -> None:
    _new(config)
    assert "not in the settings" not in _app("list", config).stdout
    config.write_text(config.read_text().replace("id = 12", "id = 13"))
    assert "user 12 (not in the settings)  created" in _app("list", config).stdout


def test_a_rotation_prints_the_new_secret_and_keeps_the_old_one_for_a_day(config: Path) -> None:
    made = _new(config)
    result = _app("rotate-webhook-secret", config, made["key"])
    (new,) = result.stdout.split()
    assert (result.exit_code, result.stderr) == (0, "")
    assert _app("webhook-secret", config, made["key"]).stdout.split() == [
        new,
        made["webhookSecret"],
    ]


def test_a_rotation_without_overlap_ends_the_old_secret(config: Path) -> None:
    made = _new(config)
    (new,) = _app("rotate-webhook-secret", config, made["key"], "--overlap", "0").stdout.split()
    assert _app("webhook-secret", config, made["key"]).stdout.split() == [new]


@pytest.mark.parametrize("hours", ["-1", "721", "long"])
def test_an_overlap_that_is_not_allowed_changes_nothing(config: Path, hours: str) -> None:
    made = _new(config)
    result = _app("rotate-webhook-secret", config, made["key"], "--overlap", hours)
    assert result.exit_code == 2
    assert "--overlap" in result.stderr
    assert _app("webhook-secret", config, made["key"]).stdout.split() == [made["webhookSecret"]]


@pytest.mark.parametrize("command", ["webhook-secret", "rotate-webhook-secret", "revoke", "rotate"])
def test_an_app_that_is_not_there_is_told(config: Path, command: str) -> None:
    result = _app(command, config, "unknown")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no such app" in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["list"],
        ["create", "--user", "12", "--name", "x"],
        ["webhook-secret", "x"],
        ["rotate-webhook-secret", "x"],
        ["revoke", "x"],
        ["rotate", "x"],
    ],
)
def test_a_store_that_cannot_be_opened_is_named(tmp_path: Path, command: list[str]) -> None:
    config = settings_file(tmp_path)
    (tmp_path / "uapid.sqlite").mkdir()
    result = _app(command[0], config, *command[1:])
    assert result.exit_code == 1
    assert str(tmp_path / "uapid.sqlite") in result.stderr


def test_key_and_secret_have_only_letters_that_no_client_encodes(config: Path) -> None:
    made = _new(config)
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", made["key"])
    assert re.fullmatch(r"[A-Za-z0-9_.-]{32,}", made["secret"])


def test_rotate_prints_a_secret_that_takes_the_place_of_the_one_before(config: Path) -> None:
    made = _new(config)
    result = _app("rotate", config, made["key"])
    assert (result.exit_code, result.stderr) == (0, "")
    (new,) = result.stdout.split()
    with _opened(config) as db:
        assert app_with_key(db, made["key"], made["secret"]) is None
        assert app_with_key(db, made["key"], new) is not None


def test_an_app_that_is_revoked_has_no_key_no_token_and_is_told_of_no_call(config: Path) -> None:
    made, other = _new(config), _new(config, "other")
    with _opened(config) as db:
        tokens = [create_token(db, 12, app["key"]) for app in (made, other)]
    assert _app("revoke", config, made["key"]).exit_code == 0
    with _opened(config) as db:
        assert app_with_key(db, made["key"], made["secret"]) is None
        assert [find_token(db, token) is not None for token in tokens] == [False, True]
    assert "revoked" in _app("list", config).stdout.splitlines()[0]
    for command in ("revoke", "rotate"):
        result = _app(command, config, made["key"])
        assert result.exit_code == 1
        assert "no such app" in result.stderr
