"""``uapid serve`` as systemd runs it, with no PBX in reach."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.unit.cli.commands import COMMAND, ROOT

DEADLINE = 20.0
# Port 1 refuses connections.
NO_PBX = '[ami]\nport = 1\n[ari]\nurl = "http://127.0.0.1:1/"\n'


class Systemd:
    """Starts the command, sends it signals and hears what it says of itself."""

    def __init__(self, process: "subprocess.Popen[str]", heard: socket.socket, log: Path) -> None:
        self._process = process
        self._heard = heard
        self._log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text()

    def reload(self) -> str:
        """Have it read its settings again; what it logged until that was done."""
        before = len(self.log)
        self.send(signal.SIGHUP)
        self.until("RELOADING=1", "READY=1")
        return self.log[before:]

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
def started(config: Path, wrapped_in: Sequence[str] = ()) -> Iterator[Systemd]:
    """It serves already; in the end it is stopped, and must have had no fault. ``wrapped_in`` is a
    command that runs the one after it."""
    log = config.with_suffix(".log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard, log.open("w") as written:
        address = config.with_suffix(".notify")
        heard.bind(str(address))
        heard.settimeout(DEADLINE)
        environment = {**os.environ, "NOTIFY_SOCKET": str(address)}
        with subprocess.Popen(
            [*wrapped_in, *COMMAND, "serve", "--config", str(config)],
            cwd=ROOT,
            env=environment,
            stdout=written,
            stderr=written,
            text=True,
        ) as process:
            try:
                systemd = Systemd(process, heard, log)
                systemd.until("READY=1")
                yield systemd
                process.terminate()
                assert process.wait(DEADLINE) == 0
            finally:
                process.kill()
