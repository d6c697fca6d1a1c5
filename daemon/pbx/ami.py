"""The AMI line: kept connected for ever, and asked for the truth whenever it may have missed some.

Events reach one callback in the order of the wire. An action is sent once, has a deadline and
ends in a Message or a PbxError; it is never sent again by itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from panoramisk.actions import Action
from panoramisk.message import Message

from config.settings import Ami
from daemon.pbx.ami_protocol import AmiEvent, AmiProtocol
from daemon.pbx.line import CONNECT_DEADLINE, Line, PbxError, PbxRefused, PbxTimeout, PbxUnavailable
from daemon.supervise import Pace

log = logging.getLogger(__name__)

_LOGIN_REMEDY = "compare [ami] username and secret with manager.conf, its permit and deny too"
_NO_RIGHT = "Permission denied"
_RIGHTS_REMEDY = (
    "the user needs read=call and write=call,reporting in manager.conf, as in uapid's sample"
)


class _LoginRefused(PbxRefused):
    pass


class _ListAction(Action):  # type: ignore[misc]
    """An action that is answered by a list; ``postpone`` is called with each message of it."""

    postpone: Callable[[], None] = staticmethod(lambda: None)

    def add_message(self, message: Message) -> bool:
        self.postpone()
        return bool(super().add_message(message))


class AmiLine(Line):
    """A supervised AMI connection.

    ``event_classes`` is what the login asks for ("call,agent"), ``events`` the names of those that
    ``on_event`` is called with. ``take_snapshot`` (a coroutine function) is called after each
    login, before the line counts as up, and again at the next ping after a message that could
    not be taken in; what it raises ends the connection. ``on_lost`` is called when an accepted
    connection is gone.
    """

    def __init__(
        self,
        settings: Ami,
        *,
        event_classes: str,
        events: Collection[str],
        on_event: Callable[[AmiEvent], object],
        take_snapshot: Callable[[], Awaitable[None]],
        on_lost: Callable[[], None],
    ) -> None:
        super().__init__("AMI")
        self._settings = settings
        self._event_classes = event_classes
        self._events = events
        self._on_event = on_event
        self._take_snapshot = take_snapshot
        self._on_lost = on_lost
        self._protocol: AmiProtocol | None = None

    async def listen_to(self, event_classes: str) -> None:
        """Have the PBX send events of these classes ("call,agent"), now and after each login."""
        if event_classes == self._event_classes:
            return
        self._event_classes = event_classes
        try:
            await self.action("Events", EventMask=event_classes)
        except PbxError as error:
            self.drop(f"which events it sends could not be changed: {error}")

    def drop(self, reason: str) -> None:
        """End the connection that is there; the line connects again."""
        if self._protocol is not None and not self._protocol.lost.done():
            self._protocol.give_up(reason)

    async def action(self, name: str, **headers: str) -> Message:
        """Send an action; the answer if it is Success. Raises PbxError."""
        return (await self._ask(Action({"Action": name, **headers}, as_list=False)))[0]

    async def get_variable(self, channel: str, name: str) -> str:
        """The value of a channel's variable or function, "" if it has none. Raises PbxError.

        The channel is given by its name or its Uniqueid.
        """
        answer = await self.action("Getvar", Channel=channel, Variable=name)
        return str(answer.get("Value", ""))

    async def set_variable(self, channel: str, name: str, value: str) -> None:
        """Set a channel's variable or write to its function. Raises PbxError."""
        await self.action("Setvar", Channel=channel, Variable=name, Value=value)

    async def list_action(self, name: str, **headers: str) -> list[Message]:
        """Send an action that answers with a list of events; the events. Raises PbxError.

        A list may take as long as it is long: its deadline is that of each message.
        """
        # Left to itself panoramisk takes a list for one when the answer says so, and not an error.
        _, *events, complete = await self._ask(_ListAction({"Action": name, **headers}))
        if (count := complete.listitems).isdigit() and int(count) > len(events):
            raise PbxUnavailable(f"AMI's list of {name} came with {len(events)} of {count} items")
        return events

    async def _ask(self, action: Action) -> list[Message]:
        name = action["Action"]
        protocol = self._protocol
        if protocol is None or protocol.lost.done():
            raise PbxUnavailable(f"AMI is not connected ({self.status.reason})")
        protocol.send_action(action)
        seconds = self._settings.timeout
        loop = asyncio.get_running_loop()
        try:
            # Not wait_for: until Python 3.12 it loses a cancellation that comes with the answer.
            async with asyncio.timeout(seconds) as deadline:
                if isinstance(action, _ListAction):
                    action.postpone = lambda: deadline.reschedule(loop.time() + seconds)
                answer = await action.future
        except TimeoutError:
            raise PbxTimeout(f"AMI gave no answer to {name} in {seconds:g} s") from None
        finally:
            protocol.forget(action)
        messages = answer if isinstance(answer, list) else [answer]
        if not messages[0].success:
            raise PbxRefused(f"AMI refused {name}: {messages[0].message}")
        return messages

    async def _connect_once(self) -> Pace:
        where = f"{self._settings.host}:{self._settings.port}"
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_DEADLINE):
                transport, protocol = await loop.create_connection(
                    lambda: AmiProtocol(self._events, self._on_event, self._hear),
                    self._settings.host,
                    self._settings.port,
                )
        except (OSError, TimeoutError) as error:
            return self._set_down(f"{where}: {str(error) or 'no answer'}")
        self._protocol = protocol
        try:
            await self._log_in()
            await self._take_snapshot()
            self._set_up(where)
            await self._stay_until_lost(protocol)
            return self._set_down(f"{where}: {protocol.lost.result()}")
        except _LoginRefused as error:
            return self._set_refused(f"{where}: {error}; {_LOGIN_REMEDY}")
        except PbxRefused as error:
            if is_about_rights(error):
                return self._set_refused(f"{where}: {error}; {_RIGHTS_REMEDY}")
            return self._set_down(f"{where}: {error}")
        except PbxUnavailable as error:
            return self._set_down(f"{where}: {error}")
        finally:
            self._protocol = None
            transport.abort()
            self._on_lost()

    async def _log_in(self) -> None:
        try:
            await self.action(
                "Login",
                Username=self._settings.username,
                Secret=self._settings.secret.get_secret_value(),
                Events=self._event_classes,
            )
        except PbxRefused as error:
            raise _LoginRefused(str(error)) from None

    async def _stay_until_lost(self, protocol: AmiProtocol) -> None:
        """Look after the connection at each ping interval; PbxUnavailable if nothing answers."""
        while True:
            await asyncio.wait({protocol.lost}, timeout=self._settings.ping_interval)
            if protocol.lost.done():
                return
            if missed := protocol.take_missed():
                log.warning(
                    "AMI: messages that could not be taken in: %d; "
                    "what they told is read from the PBX instead",
                    missed,
                )
                await self._take_snapshot()
            else:
                await self.action("Ping")


def is_about_rights(error: PbxRefused) -> bool:
    """Whether the PBX knows the action and does not let this user have it."""
    return _NO_RIGHT in str(error)
