"""The test PBX: Asterisk in a container, on a loopback address of its own."""

import os
import socket
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import NamedTuple, Self

import config
from tests.pbx import music
from tests.pbx.addresses import address, in_our_network, own_name
from tests.pbx.container import Container, DockerError, docker

HOST = address(1)
AMI_PORT = 5038
AMI_USERNAME, AMI_SECRET = "uapid", "uapid-secret"
# A second AMI user, with all rights, for what the tests themselves want to know.
TEST_USERNAME, TEST_SECRET = "test", "test-secret"
ARI_URL = f"http://{HOST}:8088/ari"
ARI_USERNAME, ARI_PASSWORD = "uapid", "uapid-password"

# The tests run on Asterisk 22, or on 16 if the environment says so.
VERSION = os.environ.get("ASTERISK", "22")
IMAGE = f"uapid-test-asterisk:{VERSION}"

# What lies over the package's own files in /etc/asterisk.
CONFIGURATION = {
    **{file.name: file for file in (Path(__file__).parent / "asterisk").iterdir()},
    # Part of the dialplan as it is shipped.
    "uapid.conf": Path(config.__file__).parent / "asterisk" / "extensions.conf",
}
START_SECONDS = 20.0
ANSWER_SECONDS = 5.0
CLEAR_SECONDS = 5.0


class Channel(NamedTuple):
    """A channel as `core show channels concise` tells it; bridge is "" outside of bridges."""

    name: str
    context: str
    extension: str
    state: str
    application: str
    bridge: str
    unique_id: str


class Asterisk:
    """The container of the PBX. `with Asterisk() as pbx:` starts it and removes it at the end.

    Methods raise DockerError with what docker said, TimeoutError when Asterisk is late.
    """

    def __init__(self) -> None:
        self._configuration = TemporaryDirectory()
        mounts = [
            f"--volume={self._configuration.name}/{name}:/etc/asterisk/{name}:ro"
            for name in CONFIGURATION
        ]
        self._container = Container(
            own_name("uapid-test-asterisk"), IMAGE, mounts, command=music.COMMAND
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts a new PBX and returns when it is ready for calls."""
        for name, file in CONFIGURATION.items():
            text = in_our_network(file.read_text())
            Path(self._configuration.name, name).write_text(text)
        self._container.run()
        self._wait_until_ready()

    def stop(self) -> None:
        """Removes the PBX with all that it knows."""
        self._container.remove()
        self._configuration.cleanup()

    def kill(self) -> None:
        """Ends Asterisk at once (SIGKILL), like a crash. `revive` starts it again."""
        docker("kill", self._container.name)

    def shut_down(self) -> None:
        """Ends Asterisk in good order (SIGTERM). `revive` starts it again."""
        docker("stop", "--time=10", self._container.name)

    def revive(self) -> None:
        """Starts the PBX that was killed or shut down, and returns when it is ready."""
        docker("start", self._container.name)
        self._wait_until_ready()

    def restart(self) -> None:
        """A shut-down and a start: all calls end."""
        self.shut_down()
        self.revive()

    def pause(self) -> None:
        """Freezes Asterisk: its connections stay open and say nothing."""
        docker("pause", self._container.name)

    def unpause(self) -> None:
        """Ends the freeze."""
        docker("unpause", self._container.name)

    def take_music_away(self) -> None:
        """The default class of music on hold is not there any more; nothing may be playing."""
        self._move(music.DEFAULT, music.AWAY)

    def give_music_back(self) -> None:
        """Ends that."""
        self._move(music.AWAY, music.DEFAULT)

    def lose_the_file_of_music(self) -> None:
        """The default class of music on hold stays, its file goes. `give_music_back` ends it."""
        self._container.execute("mv", music.DEFAULT, music.AWAY)

    def _move(self, file: str, to: str) -> None:
        self._container.execute("mv", file, to)
        # A class that has no files is not made when the module is loaded; a reload would keep it.
        # AMI, which `cli` asks, refuses to load and unload modules.
        for order in ("unload", "load"):
            command = f"module {order} res_musiconhold.so"
            self._container.execute("asterisk", "-rx", command)

    @contextmanager
    def more(self, more: Mapping[str, str], reload: Sequence[str]) -> Iterator[None]:
        """Has these texts at the end of its files of configuration, and does not at the end.

        The orders are given after each change.
        """
        before = {name: Path(self._configuration.name, name).read_text() for name in more}
        try:
            for name, text in before.items():
                self._write(name, f"{text}\n{in_our_network(more[name])}\n", reload)
            yield
        finally:
            for name, text in before.items():
                self._write(name, text, reload)

    def _write(self, name: str, text: str, reload: Sequence[str]) -> None:
        # In place: the container has this very file and not the name of it.
        Path(self._configuration.name, name).write_text(text)
        for order in reload:
            self.cli(order)

    def cli(self, command: str) -> str:
        """The answer to a command of Asterisk's command line. Takes some ms and blocks.

        OSError when AMI cannot be reached, or ends the connection.
        """
        # Not by a process in the container, which would take half a second on a busy machine.
        login = {"Username": TEST_USERNAME, "Secret": TEST_SECRET, "Events": "off"}
        with (
            socket.create_connection((HOST, AMI_PORT), ANSWER_SECONDS) as line,
            line.makefile("rb") as told,
        ):
            for name, headers in (("Login", login), ("Command", {"Command": command})):
                lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
                line.sendall(f"Action: {name}\r\nActionID: {name}\r\n{lines}\r\n".encode())
            if b"ActionID: Command\r\n" not in told:
                raise ConnectionError(f"AMI: no answer to {command!r}")
            answer = [text.decode(errors="replace") for text in takewhile(b"\r\n".__ne__, told)]
        return "".join(
            text.removeprefix("Output: ").replace("\r\n", "\n")
            for text in answer
            if text.startswith("Output: ")
        )

    def read(self, path: str) -> bytes:
        """A file of the PBX's. DockerError when there is none. Takes about 0.1 s and blocks."""
        return b64decode(self._container.execute("base64", path))

    def log(self, since: float = 0.0) -> str:
        """What Asterisk logged since a Unix time."""
        return docker("logs", "--since", f"{since:.3f}", self._container.name)

    @property
    def resident(self) -> int:
        """The bytes of memory that Asterisk has (VmRSS). Takes about 0.1 s and blocks."""
        named = 'cat "$(dirname "$(grep -lx asterisk /proc/[0-9]*/comm)")/status"'
        status = self._container.execute("sh", "-c", named)
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def channels(self) -> list[Channel]:
        """The channels there are now."""
        lines = self.cli("core show channels concise").splitlines()
        channels = []
        for fields in (line.split("!") for line in lines if "!" in line):
            name, context, extension, _, state, application, *_, bridge, unique_id = fields
            channels.append(
                Channel(name, context, extension, state, application, bridge, unique_id)
            )
        return channels

    def hang_up_all(self) -> None:
        """Ends every call and returns when no channel is left."""
        deadline = time.monotonic() + CLEAR_SECONDS
        while channels := self.channels():
            if time.monotonic() > deadline:
                raise TimeoutError(f"channels that do not go: {channels}")
            self.cli("channel request hangup all")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._container.execute("asterisk", "-rx", "core waitfullybooted")
            except DockerError as error:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"Asterisk does not start: {error}\n{self.log()}") from error
            else:
                return
