"""What the daemon and systemd tell each other."""

import signal
import time
from pathlib import Path

import pytest

from tests.unit.cli.commands import settings_file
from tests.unit.cli.serving import NO_PBX, started
from tests.unit.ports import free_port


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return settings_file(tmp_path, f"{NO_PBX}[http]\nport = {free_port()}\n")


def test_systemd_is_told_when_a_reload_begins_and_when_it_is_done(config: Path) -> None:
    with started(config) as systemd:
        before = time.monotonic_ns() // 1000
        systemd.send(signal.SIGHUP)
        reloading = systemd.until("RELOADING=1")
        systemd.until("READY=1")
    _, _, at = reloading.partition("\nMONOTONIC_USEC=")
    assert before <= int(at) <= time.monotonic_ns() // 1000
    assert "settings: read again; changed: nothing" in systemd.log


def test_a_bad_file_is_told_in_the_status_until_a_good_one_is_read(config: Path) -> None:
    good = config.read_text()
    with started(config) as systemd:
        config.write_text(good.replace("id = 12", "id = -1"))
        systemd.send(signal.SIGHUP)
        systemd.until("RELOADING=1")
        status = systemd.until("STATUS=")
        assert f"settings not reloaded: {config}: users.0.id: got -1" in status
        systemd.until("READY=1")
        config.write_text(good)
        systemd.send(signal.SIGHUP)
        systemd.until("RELOADING=1")
        assert "not reloaded" not in systemd.until("STATUS=")
    log = systemd.log
    assert "ERROR daemon.service: settings: they stay as they were" in log
    assert f"{config}: users.0.id: got -1" in log


def test_a_file_that_is_gone_is_a_bad_one(config: Path) -> None:
    with started(config) as systemd:
        config.unlink()
        assert "cannot be read: No such file" in systemd.reload()


def test_fewer_files_than_connections_need_are_told_and_leave_some_for_all_else(
    config: Path,
) -> None:
    config.write_text(config.read_text().replace("[http]\n", "[http]\nconnections = 1000\n"))
    shell = ("sh", "-c", 'ulimit -n 300; exec "$0" "$@"')
    with started(config, shell) as systemd:
        (line,) = (line for line in systemd.log.splitlines() if "LimitNOFILE" in line)
    assert line.startswith("WARNING")
    assert "no more than 100 connections at a time, and not 1000" in line


def test_it_lets_itself_have_all_the_files_that_it_may_have(config: Path) -> None:
    config.write_text(config.read_text().replace("[http]\n", "[http]\nconnections = 500\n"))
    shell = ("sh", "-c", 'ulimit -Sn 300; ulimit -Hn 1000; exec "$0" "$@"')
    with started(config, shell) as systemd:
        assert "LimitNOFILE" not in systemd.log
        limits = Path(f"/proc/{systemd.pid}/limits").read_text()
    (files,) = (line.split() for line in limits.splitlines() if line.startswith("Max open files"))
    assert files[3:5] == ["1000", "1000"]
