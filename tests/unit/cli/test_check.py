"""``uapid check`` as a process of its own, since it turns logging off."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.ami_server import SECRET, AmiServer, Answer, success
from tests.unit.cli.commands import settings_file, uapid


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections for as long as the test runs."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield nobody.getsockname()[1]


def _config(folder: Path, ami: int, ari: int, secret: str = SECRET) -> Path:
    return settings_file(
        folder,
        f'[ami]\nport = {ami}\nsecret = "{secret}"\n'
        f'[ari]\nurl = "http://127.0.0.1:{ari}/"\npassword = "hunter2"\n',
    )


def test_a_pbx_that_is_down_fails_with_a_line_for_each_line_to_it(
    tmp_path: Path, closed_port: int
) -> None:
    result = uapid("check", "--config", _config(tmp_path, closed_port, closed_port))
    assert result.returncode == 1
    assert result.stderr == ""
    settings, store, ami, ari = result.stdout.splitlines()
    assert settings.startswith("settings: ok: 1 users")
    assert store == f"store: ok: {tmp_path / 'uapid.sqlite'}"
    assert ami.startswith(f"AMI login: FAILED: 127.0.0.1:{closed_port}: ")
    assert ari.startswith("ARI login: FAILED: ")
    assert str(closed_port) in ari
    assert not (tmp_path / "uapid.sqlite").exists(), "a check makes nothing"


async def _check_against(
    tmp_path: Path, closed_port: int, answer: Answer, secret: str = SECRET
) -> list[str]:
    async with AmiServer() as server:
        server.answers["ListCommands"] = answer
        config = _config(tmp_path, server.port, closed_port, secret)
        result = await asyncio.to_thread(uapid, "check", "--config", config)
    assert result.returncode == 1
    assert "hunter2" not in result.stdout + result.stderr
    return result.stdout.splitlines()


async def test_the_actions_that_are_not_allowed_are_named(tmp_path: Path, closed_port: int) -> None:
    lines = await _check_against(
        tmp_path,
        closed_port,
        success(Getvar="x (Priv: call)", CoreShowChannels="y", Hangup="z", ShowDialPlan="z"),
    )
    assert lines[2].startswith("AMI login: ok: ")
    assert lines[4].startswith("AMI actions: FAILED: not allowed: Setvar; manager.conf: write=")


async def test_the_actions_that_are_allowed_are_ok(tmp_path: Path, closed_port: int) -> None:
    lines = await _check_against(
        tmp_path,
        closed_port,
        success(Getvar="x", SetVar="z", CoreShowChannels="y", Hangup="z", ShowDialPlan="z"),
    )
    allowed = "CoreShowChannels, Getvar, Setvar, Hangup, ShowDialPlan"
    assert lines[4] == f"AMI actions: ok: {allowed}"


async def test_a_wrong_secret_is_told_and_not_shown(tmp_path: Path, closed_port: int) -> None:
    lines = await _check_against(tmp_path, closed_port, success(), secret="hunter2")
    assert lines[2].startswith("AMI login: FAILED: ")
    assert "Authentication failed" in lines[2]
    assert len(lines) == 4


def test_a_store_that_cannot_be_written_fails(tmp_path: Path, closed_port: int) -> None:
    config = _config(tmp_path, closed_port, closed_port)
    (tmp_path / "uapid.sqlite").write_text("a diary, not a database\n" * 100)
    result = uapid("check", "--config", config)
    assert result.returncode == 1
    assert f"store: FAILED: {tmp_path / 'uapid.sqlite'}: " in result.stdout


def test_a_bad_settings_file_ends_the_check_at_once(tmp_path: Path) -> None:
    result = uapid("check", "--config", settings_file(tmp_path, "[ami]\nport = 0\n"))
    assert result.returncode == 1
    assert "ami.port: got 0: " in result.stderr
    assert result.stdout == ""


def test_the_help_names_the_commands() -> None:
    result = uapid("--help")
    assert result.returncode == 0
    assert all(f"  {command} " in result.stdout for command in ("serve", "check", "token"))


def test_the_store_of_a_missing_directory_is_told(tmp_path: Path, closed_port: int) -> None:
    file = tmp_path / "uapid.toml"
    file.write_text(
        f'[store]\npath = "missing/uapid.sqlite"\n[ami]\nport = {closed_port}\n'
        f'[ari]\nurl = "http://127.0.0.1:{closed_port}/"\n'
    )
    result = uapid("check", "--config", file)
    assert result.returncode == 1
    assert "store: FAILED: missing/uapid.sqlite: " in result.stdout
