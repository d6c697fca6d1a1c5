"""Records what AMI says during each play: `python -m tests.plays.record [NAME…]`.

A recording is tests/recordings/calls/NAME.ami.gz: the bytes of the events as they came to a client
that had logged in just before, with the classes call, agent and dialplan. VarSet events, which are
more than half of the bytes, are left out. At the end of each step there are the events by which
the PBX answers CoreShowChannels at that moment, and then a mark of ours:

    Event: Step
    Name: talking
"""

import asyncio
import contextlib
import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from tests.pbx.asterisk import AMI_PORT, HOST, TEST_SECRET, TEST_USERNAME, Asterisk
from tests.pbx.sipp import PhoneRoom
from tests.plays import PLAYS, Play
from tests.plays.stage import Stage
from tests.unit.ami_stream import RECORDINGS

CALLS = RECORDINGS / "calls"
CLASSES = "call,agent,dialplan"
LEFT_OUT = (b"Response: ", b"Event: VarSet\r\n")
LIST_END = b"Event: CoreShowChannelsComplete\r\n"
END = b"\r\n\r\n"
QUIET_SECONDS = 0.3
PATIENCE = 10.0


class AmiRecording:
    """A line to AMI and all the events that came over it: `async with AmiRecording() as line:`."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self._came = asyncio.Event()
        self._lists = self._lists_that_came = 0

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(HOST, AMI_PORT)
        await self._reader.readline()
        self._ask("Login", Username=TEST_USERNAME, Secret=TEST_SECRET, Events=CLASSES)
        answer = await self._reader.readuntil(END)
        if not answer.startswith(b"Response: Success"):
            raise RuntimeError(f"AMI login: {answer.decode()}")
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        self._writer.close()
        await self._writer.wait_closed()

    async def until_quiet(self) -> None:
        """Waits until nothing has come for a while; TimeoutError when that does not happen."""
        async with asyncio.timeout(PATIENCE):
            while await self._comes_within(QUIET_SECONDS):
                pass

    async def list_channels(self) -> None:
        """Asks for the channels and waits until the whole answer is in the recording."""
        self._lists += 1
        self._ask("CoreShowChannels")
        async with asyncio.timeout(PATIENCE):
            while self._lists_that_came < self._lists:
                self._came.clear()
                await self._came.wait()

    def mark(self, name: str) -> None:
        """Notes that a step of the play has been reached."""
        self.messages.append(f"Event: Step\r\nName: {name}\r\n\r\n".encode())

    def _ask(self, action: str, **headers: str) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._writer.write(f"Action: {action}\r\n{lines}\r\n".encode())

    async def _comes_within(self, seconds: float) -> bool:
        self._came.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._came.wait()
        except TimeoutError:
            return False
        return True

    async def _read(self) -> None:
        while True:
            message = await self._reader.readuntil(END)
            if not message.startswith(LEFT_OUT):
                self.messages.append(message)
            self._lists_that_came += message.startswith(LIST_END)
            self._came.set()


class RecordedStage(Stage):
    """A stage whose steps go into a recording."""

    def __init__(self, pbx: Asterisk, line: AmiRecording) -> None:
        super().__init__(pbx)
        self._line = line

    async def step(self, name: str) -> None:
        """Marks the step, when the PBX has said all there is to say about it."""
        await self._line.until_quiet()
        await self._line.list_channels()
        self._line.mark(name)


async def record(pbx: Asterisk, play: Play) -> bytes:
    """The recording of one play."""
    async with AmiRecording() as line, RecordedStage(pbx, line) as stage:
        await play(stage)
        return b"".join(line.messages)


def main(names: list[str]) -> None:
    """Records the plays of these names, or all."""
    CALLS.mkdir(exist_ok=True)
    with Asterisk() as pbx, PhoneRoom():
        for name in names or PLAYS:
            with log_of_a_failure(pbx, name):
                recording = asyncio.run(record(pbx, PLAYS[name]))
            # Without the time of day and the name, so that equal recordings are equal files.
            (CALLS / f"{name}.ami.gz").write_bytes(gzip.compress(recording, mtime=0))
            print(f"{name}: {recording.count(END)} events", flush=True)


@contextmanager
def log_of_a_failure(pbx: Asterisk, name: str) -> Iterator[None]:
    """Prints what Asterisk logged when the block fails."""
    try:
        yield
    except Exception:
        print(f"{name} failed. Asterisk's log:\n{pbx.log()[-20_000:]}", file=sys.stderr)
        raise


if __name__ == "__main__":
    main(sys.argv[1:])
