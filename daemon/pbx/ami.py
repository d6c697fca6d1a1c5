"""The AMI line: panoramisk's protocol made safe, and kept connected for ever.

Events reach one callback in the order of the wire. An action is sent once, has a deadline and
ends in a Message or a PbxError; it is never sent again by itself.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from config.settings import Ami
from daemon.pbx.line import Line, LineState, PbxRefused, PbxTimeout, PbxUnavailable
from daemon.supervise import keep_running

log = logging.getLogger(__name__)

EVENT_CLASSES = "call"
CONNECT_DEADLINE = 5.0
ACTION_DEADLINE = 5.0
PING_INTERVAL = 5.0
LONGEST_MESSAGE = 1 << 20
_END_OF_MESSAGE = b"\r\n\r\n"
_FORBIDDEN = ("\r", "\n", "\0")


class AmiProtocol(AMIProtocol):  # type: ignore[misc]
    """Reads whole messages and matches answers to actions.

    panoramisk decodes chunk by chunk, lets a listener's exception end the chunk, keeps actions for
    a later connection and grows without bound on a message without end: none of that here.
    """

    def __init__(self, on_event: Callable[[Message], object]) -> None:
        self.responses: dict[str, Action] = {}
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._greeted = False
        self._reason = "the connection was lost"
        self._on_event = on_event
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._greeted:
            greeting, end, rest = self._buffer.partition(b"\r\n")
            if end and not greeting.startswith(b"Asterisk Call Manager/"):
                self.give_up(f"what answers is no Asterisk manager: {bytes(greeting[:80])!r}")
                return
            if end:
                self._greeted = True
                self._buffer = rest
        *messages, self._buffer = self._buffer.split(_END_OF_MESSAGE)
        for raw in messages:
            self._take(raw.decode("utf-8", "replace").strip())
        if len(self._buffer) > LONGEST_MESSAGE:
            self.give_up(f"a message of over {LONGEST_MESSAGE} bytes without an end")

    def _take(self, text: str) -> None:
        try:
            message = Message.from_line(text)
            if message is not None:
                self._dispatch(message)
        except Exception:
            log.exception("AMI: this message could not be taken in: %.500r", text)

    def _dispatch(self, message: Message) -> None:
        action = self.responses.get(message.id) if message.id else None
        if action is None:
            if "event" in message:
                self._on_event(message)
        elif action.add_message(message):
            self.responses.pop(message.id)

    def send_action(self, action: Action) -> None:
        """Write an action. Raises ValueError for a header that would end its line."""
        for key, value in action.items():
            if any(sign in str(value) for sign in _FORBIDDEN):
                raise ValueError(f"AMI header {key} must not hold CR, LF or NUL: {value!r}")
        self.responses[action.id] = action
        self.transport.write(str(action).encode())

    def forget(self, action: Action) -> None:
        self.responses.pop(action.id, None)

    def give_up(self, reason: str) -> None:
        """End the connection for a reason of ours; what came until now is all that counts."""
        self._reason = reason
        self._buffer.clear()
        self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        for action in self.responses.values():
            if not action.future.done():
                action.future.set_exception(PbxUnavailable(self._reason))
                action.future.exception()  # read here: who asked may have given up already
        self.responses.clear()
        if not self.lost.done():
            self.lost.set_result(self._reason)


class AmiLine(Line):
    """A supervised AMI connection.

    ``on_event`` is called with each event, ``on_login`` (a coroutine function) after each login
    and before the line counts as up, ``on_lost`` when an accepted connection is gone.
    """

    def __init__(
        self,
        settings: Ami,
        *,
        on_event: Callable[[Message], object],
        on_login: Callable[[], Any],
        on_lost: Callable[[], None],
    ) -> None:
        super().__init__("AMI")
        self._settings = settings
        self._on_event = on_event
        self._on_login = on_login
        self._on_lost = on_lost
        self._protocol: AmiProtocol | None = None

    async def run(self) -> None:
        """Connect, log in and stay so until cancelled."""
        await keep_running("AMI line", self._connect_once)

    def drop(self, reason: str) -> None:
        """End the connection that is there; the line connects again."""
        if self._protocol is not None and not self._protocol.lost.done():
            self._protocol.give_up(reason)

    async def action(self, name: str, **headers: str) -> Message:
        """Send an action; the answer if it is Success. Raises PbxError."""
        return (await self._ask(Action({"Action": name, **headers}, as_list=False)))[0]

    async def list_action(self, name: str, **headers: str) -> list[Message]:
        """Send an action that answers with a list of events; the events. Raises PbxError."""
        # Left to itself panoramisk takes a list for one when the answer says so, and not an error.
        return (await self._ask(Action({"Action": name, **headers})))[1:-1]

    async def _ask(self, action: Action) -> list[Message]:
        name = action["Action"]
        protocol = self._protocol
        if protocol is None or protocol.lost.done():
            raise PbxUnavailable(f"AMI is not connected ({self.status.reason})")
        protocol.send_action(action)
        try:
            answer = await asyncio.wait_for(action.future, ACTION_DEADLINE)
        except TimeoutError:
            raise PbxTimeout(f"AMI gave no answer to {name} in {ACTION_DEADLINE:g} s") from None
        finally:
            protocol.forget(action)
        messages = answer if isinstance(answer, list) else [answer]
        if not messages[0].success:
            raise PbxRefused(f"AMI refused {name}: {messages[0].message}")
        return messages

    async def _connect_once(self) -> None:
        where = f"{self._settings.host}:{self._settings.port}"
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_DEADLINE):
                transport, protocol = await loop.create_connection(
                    lambda: AmiProtocol(self._on_event), self._settings.host, self._settings.port
                )
        except (OSError, TimeoutError) as error:
            self._set_down(LineState.DOWN, f"{where}: {error or 'no answer'}")
            return
        self._protocol = protocol
        try:
            await self._log_in(protocol)
            await self._on_login()
            self._set_up(where)
            await self._ping_until_lost(protocol)
            self._set_down(LineState.DOWN, f"{where}: {protocol.lost.result()}")
        except PbxRefused as error:
            self._set_down(LineState.REFUSED, f"{where}: {error}")
        except PbxUnavailable as error:
            self._set_down(LineState.DOWN, f"{where}: {error}")
        finally:
            self._protocol = None
            transport.abort()
            self._on_lost()

    async def _log_in(self, protocol: AmiProtocol) -> None:
        await self.action(
            "Login",
            Username=self._settings.username,
            Secret=self._settings.secret.get_secret_value(),
            Events=EVENT_CLASSES,
        )

    async def _ping_until_lost(self, protocol: AmiProtocol) -> None:
        while not protocol.lost.done():
            await asyncio.wait({protocol.lost}, timeout=PING_INTERVAL)
            if not protocol.lost.done():
                await self.action("Ping")
