"""The daemon as its users run it: the real command, in a process of its own."""

import asyncio
import os
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self, TypeVar

from tests.pbx.addresses import NETWORK, address
from tests.pbx.asterisk import (
    AMI_PORT,
    AMI_SECRET,
    AMI_USERNAME,
    ARI_PASSWORD,
    ARI_URL,
    ARI_USERNAME,
    HOST,
)

T = TypeVar("T")

ADDRESS, PORT = address(2), 8080
BASE_URL = f"http://{ADDRESS}:{PORT}"
START_SECONDS = 20.0
STOP_SECONDS = 20.0
_LOG_SHOWN = 20_000  # characters

SETTINGS = f"""\
[node]
name = "test-pbx"
timezone = "Europe/Bucharest"

[ami]
host = "{HOST}"
port = {AMI_PORT}
username = "{AMI_USERNAME}"
secret = "{AMI_SECRET}"

[ari]
url = "{ARI_URL}"
username = "{ARI_USERNAME}"
password = "{ARI_PASSWORD}"

[http]
host = "{ADDRESS}"
port = {PORT}

[delivery]
allow_networks = ["{NETWORK}"]

[[organizations]]
id = "3"
name = "Default Organization"

[[users]]
id = 12
name = "John Doe"
organization = "3"
extensions = ["_0003*XXX"]

[[users]]
id = 13
name = "Jane Roe"
extensions = ["0004*300"]

[[extensions]]
number = "0003*610"
type = "queue"
queue = "sales"

[[extensions]]
number = "0003*611"
type = "queue"
queue = "local"

[[extensions]]
number = "0003*612"
type = "queue"
queue = "local-n"

[[extensions]]
number = "0003*613"
type = "queue"
queue = "single"

[[extensions]]
number = "0003*614"
type = "queue"
queue = "empty"

[[extensions]]
number = "0003*700"
type = "ivr"
context = "ivr-main"

[[extensions]]
number = "0003*701"
type = "ivr"
context = "ivr-sales"

[[extensions]]
number = "0003*702"
type = "ivr"
context = "ivr-support"

[[extensions]]
number = "0003*800"
type = "conference"
conference = "800"
"""


class Uapid:
    """`async with Uapid(folder) as uapid:` runs `uapid serve`; its ``store`` stays in the folder
    if no other one is given.

    The process tells that it serves as it tells systemd. Methods raise TimeoutError, with the
    daemon's log, when it is late. ``wrapped_in`` is a command that runs the one after it, and
    ``environment`` what the daemon has beside the test's own.
    """

    def __init__(
        self,
        folder: Path,
        settings: str = SETTINGS,
        *,
        store: Path | None = None,
        wrapped_in: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self._wrapped_in = wrapped_in
        self._environment = environment or {}
        self.settings = folder / "uapid.toml"
        self.store = store or folder / "uapid.sqlite"
        self.settings.write_text(f'{settings}\n[store]\npath = "{self.store}"\n')
        self._log = folder / "uapid.log"
        self._began = 0
        self.started = 0.0  # Unix time of the last start
        self.start_seconds = 0.0  # how long it took to say READY=1
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            await self.stop()

    async def start(self) -> None:
        """Start it and return when it says READY=1."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
            address = self.folder / "notify"
            address.unlink(missing_ok=True)
            notifications.bind(str(address))
            notifications.setblocking(False)
            self._began = len(self.log())
            self.started = time.time()
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *(*self._wrapped_in, command(), "serve", "--config", str(self.settings)),
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **self._environment, "NOTIFY_SOCKET": str(address)},
                )
            await self._within(START_SECONDS, self._ready(notifications), "is not ready")
            self.start_seconds = time.time() - self.started

    async def stop(self) -> int:
        """End it as systemd does (SIGTERM); its exit status."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> int:
        """End it without warning (SIGKILL)."""
        return await self._end(signal.SIGKILL)

    async def reload(self) -> str:
        """Have it read its settings again (SIGHUP); what it logged until that was done."""
        assert self._process is not None
        before = len(self.log())
        self._process.send_signal(signal.SIGHUP)
        await self._within(START_SECONDS, self._reloaded(before), "does not read its settings")
        return self.log()[before:]

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """It does nothing for so long (SIGSTOP, SIGCONT): its connections stay open, unread."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @property
    def running(self) -> bool:
        """Whether there is a process, which may be in its start or have ended by itself."""
        return self._process is not None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def resident(self) -> int:
        """The bytes of memory that it has (VmRSS)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def log(self) -> str:
        """What it logged since the first start."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    async def token(self, user: int = 12) -> str:
        """A new token of a user, as the operator makes it."""
        return (await self.run("token", "create", "--user", str(user))).strip()

    async def run(self, *arguments: str) -> str:
        """The output of another `uapid` command with these settings; RuntimeError if it fails."""
        process = await asyncio.create_subprocess_exec(
            *(command(), *arguments, "--config", str(self.settings)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"uapid {' '.join(arguments)}: {output.decode()}")
        return output.decode()

    async def until_connected(self) -> None:
        """Wait until this run has both lines up and knows what is on the PBX."""
        await self.until_logged("holds: compared with the PBX")

    async def until_logged(self, text: str, after: str = "") -> None:
        """Wait until this run has logged a text, after another one if that is given."""
        await self._within(START_SECONDS, self._logged(text, after), f"did not log {text!r}")

    async def until_all_is_over(self) -> None:
        """Wait until the store has no live call and no delivery that waits."""
        await self._within(STOP_SECONDS, self._over(), "has calls or deliveries")

    async def _logged(self, text: str, after: str) -> None:
        while True:
            log = self.log()[self._began :]
            start = log.find(after)
            if start >= 0 and text in log[start:]:
                return
            await asyncio.sleep(0.02)

    async def _reloaded(self, before: int) -> None:
        while " daemon.service: settings: " not in self.log()[before:]:
            await asyncio.sleep(0.02)

    async def _over(self) -> None:
        question = """
            SELECT (SELECT count(*) FROM live_calls)
                 + (SELECT count(*) FROM deliveries WHERE ended IS NULL)
        """
        with closing(sqlite3.connect(self.store)) as store:
            while store.execute(question).fetchone() != (0,):
                await asyncio.sleep(0.02)

    async def _ready(self, notifications: socket.socket) -> None:
        assert self._process is not None
        told = asyncio.create_task(_until_told(notifications, b"READY=1"))
        ended = asyncio.create_task(self._process.wait())
        try:
            await asyncio.wait({told, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not told.done():
                await ended
                raise RuntimeError(f"uapid ended at its start:\n{self.log()}")
        finally:
            told.cancel()
            ended.cancel()
            await asyncio.gather(told, ended, return_exceptions=True)

    async def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        assert process is not None
        if process.returncode is None:
            process.send_signal(number)
        return await self._within(STOP_SECONDS, process.wait(), "does not stop")

    async def _within(self, seconds: float, work: Awaitable[T], story: str) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError:
            log = self.log()[-_LOG_SHOWN:]
            raise TimeoutError(f"uapid {story} after {seconds:g} s:\n{log}") from None


async def _until_told(notifications: socket.socket, state: bytes) -> None:
    while await asyncio.get_running_loop().sock_recv(notifications, 1000) != state:
        pass


def command() -> str:
    """The `uapid` command of the environment that the tests run in."""
    return str(Path(sys.executable).with_name("uapid"))
