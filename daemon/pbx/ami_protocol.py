"""The bytes of an AMI connection: events as dicts to one callback, answers to their actions.

An event that nobody wants costs a look at its first line. Actions and answers are panoramisk's;
its protocol is not used: it decodes chunk by chunk, lets a listener's exception end the chunk,
keeps actions for a later connection and grows without bound on a message without end.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Any

from panoramisk.actions import Action
from panoramisk.message import Message

from daemon.pbx.line import PbxUnavailable

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 1 << 20
_END = b"\r\n\r\n"
_EVENT = b"Event: "
_ACTION_ID = b"\r\nActionID: "
_LONGEST_GREETING = 1024
_FORBIDDEN = ("\r", "\n", "\0")
_SHOWN_LENGTH = 500

AmiEvent = dict[str, str]


class AmiProtocol(asyncio.Protocol):
    """Calls ``on_event`` with each event whose name is in ``events``, in the order of the wire.

    A message that cannot be taken in loses no other, and is counted: see ``take_missed``.
    ``on_data`` is called whenever anything comes; ``lost`` has the reason at the end.
    """

    def __init__(
        self,
        events: Collection[str],
        on_event: Callable[[AmiEvent], object],
        on_data: Callable[[], object],
    ) -> None:
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._on_event = on_event
        self._on_data = on_data
        self._events = frozenset(events)
        self._event_lines = frozenset(_EVENT + name.encode() for name in events)
        self._waiting: dict[str, Action] = {}
        self._outgoing: list[bytes] = []
        self._abandoned_lists: set[str] = set()
        self._greeted = False
        self._buffer = bytearray()
        self._searched = 0
        self._missed = 0
        self._given_up: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def connection_lost(self, error: Exception | None) -> None:
        reason = self._given_up or "the connection was lost"
        for action in self._waiting.values():
            if not action.future.done():
                action.future.set_exception(PbxUnavailable(reason))
                action.future.exception()  # read here: who asked may have given up already
        self._waiting.clear()
        if not self.lost.done():
            self.lost.set_result(reason)

    def give_up(self, reason: str) -> None:
        """End the connection for a reason of ours; what came until now is all that counts."""
        self._given_up = reason
        self._buffer.clear()
        self._transport.abort()

    @property
    def backlog(self) -> int:
        """How many bytes wait for the end of their message."""
        return len(self._buffer)

    def take_missed(self) -> int:
        """How many messages could not be taken in since this was asked last."""
        missed, self._missed = self._missed, 0
        return missed

    # --- actions ---

    def send_action(self, action: Action) -> None:
        """Write an action, in one go with others that are sent at the same time.

        Raises ValueError for a header that would end its line.
        """
        for key, value in action.items():
            if any(sign in f"{key}{value}" for sign in _FORBIDDEN):
                # The value is not shown: it may be the secret.
                raise ValueError(f"AMI header {key!r} must not hold CR, LF or NUL")
        data = str(action).encode()
        self._waiting[action.id] = action
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._write)
        self._outgoing.append(data)

    def _write(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if not self._transport.is_closing():
            self._transport.writelines(outgoing)

    def forget(self, action: Action) -> None:
        """Nobody waits for this action any more; what still comes of a list is nobody's event."""
        if self._waiting.pop(action.id, None) is not None and action.as_list is not False:
            self._abandoned_lists.add(action.id)

    # --- what the PBX says ---

    def data_received(self, data: bytes) -> None:
        if self._given_up is not None:
            return
        self._on_data()
        self._buffer += data
        if not self._greeted and not self._take_greeting():
            return
        # What was searched before has no end in it, but perhaps the beginning of one.
        end = self._buffer.find(_END, max(self._searched - len(_END) + 1, 0))
        if end > LONGEST_MESSAGE:
            self._give_up_on_length()
        elif end >= 0:
            *messages, rest = bytes(self._buffer).split(_END)
            self._buffer = bytearray(rest)
            self._take_all(messages)
        self._searched = len(self._buffer)
        if self._searched > LONGEST_MESSAGE:
            self._give_up_on_length()

    def _give_up_on_length(self) -> None:
        self.give_up(f"a message of over {LONGEST_MESSAGE} bytes")

    def _take_greeting(self) -> bool:
        greeting, end, rest = self._buffer.partition(b"\r\n")
        if end and greeting.startswith(b"Asterisk Call Manager/"):
            self._greeted = True
            self._buffer = rest
        elif end or len(greeting) > _LONGEST_GREETING:
            self.give_up(f"what answers is no Asterisk manager: {bytes(greeting[:80])!r}")
        return self._greeted

    def _take_all(self, messages: list[bytes]) -> None:
        asked = bool(self._waiting or self._abandoned_lists)
        for raw in messages:
            first_line = raw.partition(b"\r\n")[0]
            if not first_line.startswith(_EVENT) or (asked and _ACTION_ID in raw):
                take = self._take_any
            elif first_line in self._event_lines:
                take = self._take_event
            else:
                continue
            try:
                take(raw)
            except Exception:
                self._miss(raw)
            if self._given_up is not None:
                return

    def _take_event(self, raw: bytes) -> None:
        self._on_event(parse(raw.decode("utf-8", "replace")))

    def _take_any(self, raw: bytes) -> None:
        text = raw.decode("utf-8", "replace").strip("\r\n")
        if not text.strip():
            return
        message = Message.from_line(text)
        if message is None:
            raise ValueError("neither an event nor an answer")
        if (action := self._waiting.get(message.id)) is not None:
            if action.add_message(message):
                del self._waiting[message.id]
        elif message.id in self._abandoned_lists:
            if message.event.endswith("Complete") or not message.success:
                self._abandoned_lists.discard(message.id)
        elif message.event in self._events:
            self._on_event(parse(text))

    def _miss(self, raw: bytes) -> None:
        self._missed += 1
        if self._missed == 1:  # the next ones are only counted, so that none floods the log
            shown = raw[:_SHOWN_LENGTH].decode("utf-8", "replace")
            log.exception("AMI: this message could not be taken in: %r", shown)


def parse(text: str) -> AmiEvent:
    """The headers of a message, names as they were sent; of a name that comes twice the last."""
    lines = text.split("\r\n")
    try:
        return dict([line.split(": ", 1) for line in lines])
    except ValueError:  # a line without a space after the colon, or none of the two
        headers = (line.partition(":") for line in lines)
        return {name: value.removeprefix(" ") for name, colon, value in headers if colon}
