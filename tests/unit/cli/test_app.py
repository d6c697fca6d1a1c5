import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from daemon.events.signature import signature
from tests.unit.cli.commands import settings_file


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return settings_file(tmp_path)


def _app(command: str, config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["app", command, "--config", str(config), *arguments])


def _new(config: Path, name: str = "CRM") -> dict[str, Any]:
    made: dict[str, Any] = json.loads(_app("create", config, "--user", "12", "--name", name).stdout)
    return made


def test_create_prints_the_app_and_its_secret_as_json(config: Path) -> None:
    result = _app("create", config, "--user", "12", "--name", "Müller's CRM")
    assert (result.exit_code, result.stderr) == (0, "")
    made = json.loads(result.stdout)
    assert list(made) == ["id", "name", "user", "webhookSecret"]
    assert (made["name"], made["user"]) == ("Müller's CRM", 12)
    assert signature("id", 0, b"", [made["webhookSecret"]])
    assert _app("secret", config, made["id"]).stdout.split() == [made["webhookSecret"]]


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
        assert (id, user, name) == (app["id"], "12", app["name"])
        assert datetime.fromisoformat(created).tzinfo
        assert app["webhookSecret"] not in result.stdout


def test_a_rotation_prints_the_new_secret_and_keeps_the_old_one_for_a_day(config: Path) -> None:
    made = _new(config)
    result = _app("rotate-secret", config, made["id"])
    (new,) = result.stdout.split()
    assert (result.exit_code, result.stderr) == (0, "")
    assert _app("secret", config, made["id"]).stdout.split() == [new, made["webhookSecret"]]


def test_a_rotation_without_overlap_ends_the_old_secret(config: Path) -> None:
    made = _new(config)
    (new,) = _app("rotate-secret", config, made["id"], "--overlap", "0").stdout.split()
    assert _app("secret", config, made["id"]).stdout.split() == [new]


@pytest.mark.parametrize("hours", ["-1", "721", "long"])
def test_an_overlap_that_is_not_allowed_changes_nothing(config: Path, hours: str) -> None:
    made = _new(config)
    result = _app("rotate-secret", config, made["id"], "--overlap", hours)
    assert result.exit_code == 2
    assert "--overlap" in result.stderr
    assert _app("secret", config, made["id"]).stdout.split() == [made["webhookSecret"]]


@pytest.mark.parametrize("command", ["secret", "rotate-secret"])
def test_an_app_that_is_not_there_is_told(config: Path, command: str) -> None:
    result = _app(command, config, "unknown")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no such app" in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["list"],
        ["create", "--user", "12", "--name", "x"],
        ["secret", "x"],
        ["rotate-secret", "x"],
    ],
)
def test_a_store_that_cannot_be_opened_is_named(tmp_path: Path, command: list[str]) -> None:
    config = settings_file(tmp_path)
    (tmp_path / "uapid.sqlite").mkdir()
    result = _app(command[0], config, *command[1:])
    assert result.exit_code == 1
    assert str(tmp_path / "uapid.sqlite") in result.stderr
