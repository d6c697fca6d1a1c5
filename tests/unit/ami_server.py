"""A socket server that plays the manager interface of an Asterisk."""

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from tests.unit.ami_stream import messages, to_bytes

Message = dict[str, str]
Answer = Callable[[Message], list[Message]]

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
SECRET = "s3cret"


def success(**headers: str) -> Answer:
    return lambda _: [{"Response": "Success", **headers}]


def error(text: str) -> Answer:
    return lambda _: [{"Response": "Error", "Message": text}]


def silence(_: Message) -> list[Message]:
    return []


def listed(name: str, *rows: Mapping[str, str]) -> Answer:
    return lambda _: [
        {"Response": "Success", "EventList": "start"},
        *({"Event": name, **row} for row in rows),
        {"Event": f"{name}sComplete", "EventList": "Complete", "ListItems": str(len(rows))},
    ]


class AmiServer:
    """``actions`` is all that came, on any connection; ``answers`` is how an action is answered,
    by its name; there are no channels at first. ``logins`` counts the connections that were let
    in, and ``listeners`` are those of them that are there. A frozen server keeps its sockets open
    and answers nothing."""

    def __init__(self, greeting: bytes = GREETING) -> None:
        self.actions: list[Message] = []
        self.answers: dict[str, Answer] = {
            "Ping": success(Ping="Pong"),
            "Login": self._log_in,
            "BridgeList": listed("BridgeListItem"),
            "CoreShowChannels": listed("CoreShowChannel"),
            "DeviceStateList": listed("DeviceStateChange"),
        }
        self.logins = 0
        self.listeners: set[asyncio.StreamWriter] = set()
        self.port = 0
        self._greeting = greeting
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        self.thaw()
        self.hang_up()
        await self._server.wait_closed()

    def names(self) -> list[str]:
        """The names of the actions that came, Ping left out."""
        return [action["Action"] for action in self.actions if action["Action"] != "Ping"]

    def send(self, *sent: Mapping[str, str]) -> None:
        self.send_bytes(to_bytes(*sent))

    def send_bytes(self, data: bytes) -> None:
        self._writers[-1].write(data)

    def broadcast(self, data: bytes) -> None:
        """Send it to each client that has logged in."""
        for writer in self.listeners:
            writer.write(data)

    def freeze(self) -> None:
        self._thawed.clear()

    def thaw(self) -> None:
        self._thawed.set()

    def hang_up(self) -> None:
        """End every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        self.listeners.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        await self._thawed.wait()
        writer.write(self._greeting)
        try:
            while True:
                block = await reader.readuntil(b"\r\n\r\n")
                await self._thawed.wait()
                for action in messages(block):
                    self.actions.append(action)
                    answer = self.answers.get(action["Action"], error("Invalid/unknown command"))
                    logins = self.logins
                    for message in answer(action):
                        writer.write(to_bytes({**message, "ActionID": action["ActionID"]}))
                    if self.logins > logins:
                        self.listeners.add(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.listeners.discard(writer)
            writer.transport.abort()

    def _log_in(self, action: Message) -> list[Message]:
        if action["Secret"] != SECRET:
            return error("Authentication failed")(action)
        self.logins += 1
        return success(Message="Authentication accepted")(action)
