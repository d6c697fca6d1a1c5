"""``uapid serve`` as systemd runs it, with no PBX in reach."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.cli.commands import COMMAND, ROOT, settings_file

DEADLINE = 20.0


class Systemd:
    """Starts the command, sends it signals and hears what it says of itself."""

    def __init__(self, process: "subprocess.Popen[str]", heard: socket.socket) -> None:
        self._process = process
        self._heard = heard

    def until(self, *statements: str) -> str:
        """Wait for a message that begins so, and then for the next of these; the last one."""
        message = ""
        for statement in statements:
            message = ""
            while not message.startswith(statement):
                message = self._heard.recv(10_000).decode()
        return message

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)


@contextmanager
def started(config: Path) -> Iterator[Systemd]:
    """It serves already; in the end it is stopped, and must have had no fault."""
    log = config.with_suffix(".log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard, log.open("w") as written:
        address = config.with_suffix(".notify")
        heard.bind(str(address))
        heard.settimeout(DEADLINE)
        environment = {**os.environ, "NOTIFY_SOCKET": str(address)}
        with subprocess.Popen(
            [*COMMAND, "serve", "--config", str(config)],
            cwd=ROOT,
            env=environment,
            stdout=written,
            stderr=written,
            text=True,
        ) as process:
            try:
                systemd = Systemd(process, heard)
                systemd.until("READY=1")
                yield systemd
                process.terminate()
                assert process.wait(DEADLINE) == 0
            finally:
                process.kill()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Port 1 refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    lines = ("[ami]", "port = 1", "[ari]", 'url = "http://127.0.0.1:1/"', "[http]")
    return settings_file(tmp_path, "\n".join((*lines, f"port = {port}\n")))


def test_systemd_is_told_when_a_reload_begins_and_when_it_is_done(config: Path) -> None:
    with started(config) as systemd:
        before = time.monotonic_ns() // 1000
        systemd.send(signal.SIGHUP)
        reloading = systemd.until("RELOADING=1")
        systemd.until("READY=1")
    _, _, at = reloading.partition("\nMONOTONIC_USEC=")
    assert before <= int(at) <= time.monotonic_ns() // 1000
    assert "settings: read again; changed: nothing" in config.with_suffix(".log").read_text()


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
    log = config.with_suffix(".log").read_text()
    assert "ERROR daemon.service: settings: they stay as they were" in log
    assert f"{config}: users.0.id: got -1" in log


def test_a_file_that_is_gone_is_a_bad_one(config: Path) -> None:
    with started(config) as systemd:
        config.unlink()
        systemd.send(signal.SIGHUP)
        systemd.until("RELOADING=1", "READY=1")
    assert "cannot be read: No such file" in config.with_suffix(".log").read_text()
