"""What tests ask of the PBX over AMI, and what it tells them, as a user with all rights."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple, Self

from tests.pbx.asterisk import AMI_PORT, HOST, TEST_SECRET, TEST_USERNAME, Channel
from tests.pbx.patience import PATIENCE, Changes, deadline

ANSWER_SECONDS = 5.0
END = b"\r\n\r\n"

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class AmiEvent(NamedTuple):
    """One event: when it came, in seconds of the loop's clock, and its fields."""

    time: float
    fields: Mapping[str, str]


class AmiEvents:
    """What AMI tells of calls and queues: `async with AmiEvents() as events:`.

    ``log`` has all events since the start, in order.
    """

    def __init__(self) -> None:
        self.log: list[AmiEvent] = []
        self._changes = Changes()

    async def __aenter__(self) -> Self:
        self._line = _logged_in("call,agent")
        reader, _ = await self._line.__aenter__()
        self._reading = asyncio.create_task(self._read(reader))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading
        await self._line.__aexit__(None, None, None)

    def find(self, since: float = 0.0, **fields: str | Collection[str]) -> list[AmiEvent]:
        """The events since then that have these fields, e.g. ``Event="Hangup"``.

        Of a collection of values a field may have any.
        """
        wanted = {name: [v] if isinstance(v, str) else v for name, v in fields.items()}
        return [
            event
            for event in self.log
            if event.time >= since
            and all(event.fields.get(name) in values for name, values in wanted.items())
        ]

    async def first(self, since: float = 0.0, **fields: str | Collection[str]) -> AmiEvent:
        """The first event since then that has these fields, which may be still to come."""
        async with deadline(
            PATIENCE,
            lambda: f"no event with {fields} but {self.find(since, Event=fields['Event'])}",
        ):
            await self._changes.until(lambda: bool(self.find(since, **fields)))
        return self.find(since, **fields)[0]

    async def _read(self, reader: asyncio.StreamReader) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self.log.append(AmiEvent(loop.time(), fields_of(await reader.readuntil(END))))
            self._changes.tell()


async def ami(action: str, **headers: str) -> str:
    """The answer to one AMI action; RuntimeError when it is no Success."""
    async with asyncio.timeout(ANSWER_SECONDS), _logged_in("off") as line:
        return await _ask(line, action, headers)


async def ami_list(action: str, **headers: str) -> list[dict[str, str]]:
    """The entries of the list by which the PBX answers an action; RuntimeError as for ``ami``."""
    entries = []
    async with asyncio.timeout(ANSWER_SECONDS), _logged_in("off") as line:
        await _ask(line, action, headers)
        reader, _ = line
        while (entry := fields_of(await reader.readuntil(END))).get("EventList") != "Complete":
            entries.append(entry)
    return entries


async def channels() -> list[Channel]:
    """The channels there are now, as ``Asterisk.channels``, which blocks, tells them."""
    return [
        Channel(
            entry["Channel"],
            entry["Context"],
            entry["Exten"],
            entry["ChannelStateDesc"],
            entry["Application"],
            entry["BridgeId"],
            entry["Uniqueid"],
        )
        for entry in await ami_list("CoreShowChannels")
    ]


def fields_of(message: bytes) -> dict[str, str]:
    """The headers of an AMI message; of one that comes several times, the last."""
    lines = message.decode(errors="replace").splitlines()
    return {name: value for name, _, value in (line.partition(": ") for line in lines if line)}


@asynccontextmanager
async def _logged_in(events: str) -> AsyncIterator[Line]:
    line = await asyncio.open_connection(HOST, AMI_PORT)
    reader, writer = line
    try:
        await reader.readline()
        login = {"Username": TEST_USERNAME, "Secret": TEST_SECRET, "Events": events}
        await _ask(line, "Login", login)
        yield line
    finally:
        writer.close()
        await writer.wait_closed()


async def _ask(line: Line, action: str, headers: Mapping[str, str]) -> str:
    reader, writer = line
    lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    writer.write(f"Action: {action}\r\nActionID: {action}\r\n{lines}\r\n".encode())
    answer = ""
    while f"ActionID: {action}" not in answer:
        answer = (await reader.readuntil(END)).decode()
    if not answer.startswith("Response: Success"):
        raise RuntimeError(f"AMI {action}: {answer.strip()}")
    return answer
