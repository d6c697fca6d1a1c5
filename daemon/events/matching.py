"""Which PhoneCallEvents a CallChange concerns, and what they are told. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from daemon.calls.model import CallChange, ChangeKind, Direction
from daemon.events.phone_call_events import EventType

# Ids of the enabled PhoneCallEvents of an extension and type.
Wanting = Callable[[str, EventType], Iterable[str]]

_TYPES = {
    (ChangeKind.DIAL, Direction.IN): EventType.DIAL_IN,
    (ChangeKind.DIAL, Direction.OUT): EventType.DIAL_OUT,
    (ChangeKind.ANSWER, Direction.IN): EventType.ANSWER_IN,
    (ChangeKind.ANSWER, Direction.OUT): EventType.ANSWER_OUT,
    (ChangeKind.HANGUP, Direction.IN): EventType.HANGUP,
    (ChangeKind.HANGUP, Direction.OUT): EventType.HANGUP,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What one PhoneCallEvent (``event`` is its id) is to be told of one change of a call."""

    event: str
    change: CallChange


def notices(changes: Iterable[CallChange], wanting: Wanting) -> list[Notice]:
    """One for each change and each PhoneCallEvent that is to be told of it."""
    return [
        Notice(event, change)
        for change in changes
        if change.extension is not None
        for event in wanting(change.extension, event_type(change))
    ]


def event_type(change: CallChange) -> EventType:
    """The type of PhoneCallEvent that is told of such a change."""
    return _TYPES[change.kind, change.direction]


def parameters(change: CallChange) -> dict[str, str]:
    """The ten documented parameters, in the documented order; "" where one does not apply."""
    return {
        "CallID": change.channel,
        "CallerIDNum": change.parties.caller_number,
        "CallerIDName": change.parties.caller_name,
        "CalledDID": change.parties.called_did,
        "CalledExtension": change.parties.called_extension,
        "CallStatus": change.status.value,
        "CallFlow": change.direction.value,
        "CallerExtension": change.parties.caller_extension,
        "CalledNumber": change.parties.called_number,
        "CallAPIID": change.call_id,
    }
