"""Who called whom, as the events of a leg tell it. Pure."""

from typing import Protocol

from daemon.calls.index import LiveIndex
from daemon.calls.model import Channel, Parties


class Numbers(Protocol):
    """What the directory knows of dialled numbers."""

    def of_number(self, number: str, caller: str | None) -> str | None: ...


def parties_of(channel: Channel, live: LiveIndex, numbers: Numbers) -> Parties:
    """The parties of a leg, seen at its other end's side and its own."""
    caller = live.channel(channel.dialled_by or "")
    if caller is not None:
        return _called(caller, channel.extension or "", channel.called_as)
    if channel.originator:
        called = channel.answered_by or numbers.of_number(channel.dialled, channel.extension)
        return _called(channel, called or "")
    return Parties(
        caller_number=channel.connected_number,
        caller_name=channel.connected_name,
        called_number=channel.called_as or channel.extension or "",
        called_extension=channel.extension or "",
    )


def visitor_of(uniqueid: str, extension: str, live: LiveIndex) -> Parties:
    """The parties when a channel comes into a queue, a conference or an IVR of this number."""
    visitor = live.far_end(uniqueid)
    if visitor is None:
        return Parties(called_number=extension, called_extension=extension)
    return _called(visitor, extension)


def _called(caller: Channel, called_extension: str, called_as: str = "") -> Parties:
    outside = caller.originator and caller.extension is None
    return Parties(
        caller_number=caller.caller_number or caller.extension or "",
        caller_name=caller.caller_name,
        caller_extension=caller.extension or "",
        called_number=called_as or caller.sent_to or caller.dialled or called_extension,
        called_extension=called_extension,
        called_did=caller.dialled if outside else "",
    )
