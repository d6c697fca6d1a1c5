import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from daemon.store import open_database
from daemon.tokens import Token, create_token, find_token
from tests.unit.cli.commands import settings_file


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return settings_file(tmp_path)


def _token(command: str, config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["token", command, "--config", str(config), *arguments])


def _found(config: Path, token: str) -> Token | None:
    db = open_database(config.parent / "uapid.sqlite")
    try:
        return find_token(db, token)
    finally:
        db.close()


def _user_of(config: Path, token: str) -> int | None:
    found = _found(config, token)
    return None if found is None else found.user


def _new_app(config: Path, *arguments: str) -> str:
    command = ["app", "create", "--config", str(config), *arguments]
    key: str = json.loads(CliRunner().invoke(main, command).stdout)["key"]
    return key


def test_create_prints_a_working_token_and_nothing_else(config: Path) -> None:
    result = _token("create", config, "--user", "12")
    assert (result.exit_code, result.stderr) == (0, "")
    token = result.stdout.removesuffix("\n")
    assert token.split() == [token]
    assert _user_of(config, token) == 12


def test_create_for_an_unknown_user_names_those_that_there_are(config: Path) -> None:
    result = _token("create", config, "--user", "13")
    assert result.exit_code != 0
    assert "got 13, allowed: 12" in result.stderr
    assert result.stdout == ""


def test_create_without_users_says_what_is_missing(tmp_path: Path) -> None:
    config = tmp_path / "empty.toml"
    config.write_text("")
    result = _token("create", config, "--user", "12")
    assert result.exit_code != 0
    assert "no [[users]]" in result.stderr


def test_create_without_an_app_is_for_the_one_named_default(config: Path) -> None:
    _new_app(config, "--user", "12", "--name", "other")
    tokens = [_token("create", config, "--user", "12").stdout.strip() for _ in range(2)]
    (app,) = {found.app for token in tokens if (found := _found(config, token))}
    listed = CliRunner().invoke(main, ["app", "list", "--config", str(config)]).stdout
    assert [line.split()[-1] for line in listed.splitlines() if app in line] == ["default"]
    assert len(listed.splitlines()) == 2


def test_create_for_an_app_of_the_user(config: Path) -> None:
    app = _new_app(config, "--user", "12", "--name", "CRM")
    result = _token("create", config, "--user", "12", "--app", app)
    found = _found(config, result.stdout.strip())
    assert found is not None
    assert (found.user, found.app) == (12, app)


def test_create_for_an_app_that_the_user_does_not_have_names_those_that_there_are(
    tmp_path: Path,
) -> None:
    config = settings_file(tmp_path, '[[users]]\nid = 13\nname = "Jane"\n')
    mine = _new_app(config, "--user", "12", "--name", "mine")
    hers = _new_app(config, "--user", "13", "--name", "hers")
    result = _token("create", config, "--user", "12", "--app", hers)
    assert result.exit_code == 2
    assert f"got {hers}, allowed: {mine}" in result.stderr
    assert _token("list", config).stdout == ""


def test_list_shows_a_line_for_each_token_and_never_the_token(config: Path) -> None:
    tokens = [_token("create", config, "--user", "12").stdout.strip() for _ in range(2)]
    result = _token("list", config)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    for line in lines:
        _id, _user, user, _app, app, _created, created, _expires, expires = line.split()
        assert user == "12"
        assert len(app) == 12
        assert datetime.fromisoformat(created).tzinfo
        assert expires == "never"
    assert [token for token in tokens if token in result.stdout] == []


def test_list_tells_when_a_token_ends(config: Path) -> None:
    db = open_database(config.parent / "uapid.sqlite")
    create_token(db, 12, "0123456789ab", 1_800_000_000.0)
    db.close()
    ends = _token("list", config).stdout.split()[-1]
    assert datetime.fromisoformat(ends).timestamp() == 1_800_000_000


def test_create_for_an_app_that_was_revoked_is_refused(config: Path) -> None:
    app = _new_app(config, "--user", "12", "--name", "CRM")
    CliRunner().invoke(main, ["app", "revoke", "--config", str(config), app])
    result = _token("create", config, "--user", "12", "--app", app)
    assert result.exit_code == 2
    assert f"got {app}, allowed: none" in result.stderr
    assert _token("list", config).stdout == ""


def test_list_of_no_tokens_is_empty(config: Path) -> None:
    result = _token("list", config)
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.parametrize("by_id", [True, False])
def test_revoke_takes_a_token_by_itself_or_by_the_id_of_the_list(config: Path, by_id: bool) -> None:
    token = _token("create", config, "--user", "12").stdout.strip()
    name = _token("list", config).stdout.split()[0] if by_id else token
    other = _token("create", config, "--user", "12").stdout.strip()
    # After "--", since tokens of early versions may start with a dash.
    assert _token("revoke", config, "--", name).exit_code == 0
    assert _user_of(config, token) is None
    assert _user_of(config, other) == 12


def test_revoke_of_what_is_not_there_fails(config: Path) -> None:
    result = _token("revoke", config, "unknown")
    assert result.exit_code == 1
    assert "no such token" in result.stderr


@pytest.mark.parametrize("command", [["list"], ["create", "--user", "12"], ["revoke", "x"]])
def test_a_store_that_cannot_be_opened_is_named(tmp_path: Path, command: list[str]) -> None:
    config = settings_file(tmp_path)
    (tmp_path / "uapid.sqlite").mkdir()
    result = _token(command[0], config, *command[1:])
    assert result.exit_code == 1
    assert str(tmp_path / "uapid.sqlite") in result.stderr


def test_a_settings_file_that_is_missing_is_named(tmp_path: Path) -> None:
    result = _token("list", tmp_path / "missing.toml")
    assert result.exit_code == 1
    assert "missing.toml: cannot be read" in result.stderr


def test_a_bad_settings_file_is_told_by_file_key_and_value(tmp_path: Path) -> None:
    config = settings_file(tmp_path, '[http]\nport = "many"\n')
    result = _token("list", config)
    assert result.exit_code == 1
    assert f"{config}: http.port: got 'many'" in result.stderr
