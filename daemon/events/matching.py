"""Which type of PhoneCallEvent a CallChange concerns, and what it is told. Pure."""

from functools import lru_cache
from urllib.parse import quote_plus

from daemon.calls.model import CallChange, ChangeKind, Direction
from daemon.events.phone_call_events import EventType

_TYPES = {
    (ChangeKind.DIAL, Direction.IN): EventType.DIAL_IN,
    (ChangeKind.DIAL, Direction.OUT): EventType.DIAL_OUT,
    (ChangeKind.ANSWER, Direction.IN): EventType.ANSWER_IN,
    (ChangeKind.ANSWER, Direction.OUT): EventType.ANSWER_OUT,
    (ChangeKind.HANGUP, Direction.IN): EventType.HANGUP,
    (ChangeKind.HANGUP, Direction.OUT): EventType.HANGUP,
}


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


def form(change: CallChange) -> str:
    """The parameters as they are sent (application/x-www-form-urlencoded)."""
    return "&".join([f"{name}={_quoted(value)}" for name, value in parameters(change).items()])


# The same few numbers and names come again and again.
_quoted = lru_cache(maxsize=4096)(quote_plus)
