"""A Call as the UAPI shows it: pure functions from what the PBX said to a PhoneCall."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from daemon.calls.ami_fields import age_order
from daemon.calls.index import LiveIndex
from daemon.calls.model import (
    Call,
    Channel,
    ChannelState,
    Flow,
    OnHold,
    PhoneCall,
    PhoneCallView,
    Room,
    ViewStatus,
    view_id,
)

HowHeld = Callable[[Channel], OnHold | None]


def phone_call(call: Call, live: LiveIndex, on_hold: HowHeld) -> PhoneCall:
    """``on_hold`` tells how a channel holds its peer, None if it does not."""
    channels = list(call.channels.values())
    flow = _flow(channels)
    answers = [channel.answered for channel in channels if channel.answered]
    return PhoneCall(
        id=call.id,
        extension=call.charged_to or _first_extension(channels),
        published=call.published,
        answered=min(answers, default=None),
        views=tuple(
            _view(call, channel, live.peer(channel.uniqueid), flow, on_hold(channel))
            for channel in channels
        ),
    )


def _view(
    call: Call,
    channel: Channel,
    peer: Channel | None,
    flow: Flow | None,
    on_hold: OnHold | None,
) -> PhoneCallView:
    dialled = [leg for leg in call.channels.values() if leg.dialled_by == channel.uniqueid]
    line = _line_of(call, channel, peer, dialled)
    return PhoneCallView(
        id=view_id(channel.view),
        channel=channel.uniqueid,
        bridge=channel.bridge,
        peer=peer.uniqueid if peer else None,
        extension=channel.extension,
        source=_present(_own(line.source)) if line.source else _told_source(channel),
        destination=_present(*line.destination),
        caller_id=_caller_id(line.source) if line.source else _told_caller_id(channel),
        flow=flow,
        status=_status(channel, peer, dialled),
        ringing=channel.ringing,
        answered=channel.answered,
        on_hold=on_hold,
        parked=channel.parked,
    )


class _Line(NamedTuple):
    """Who is on the line of a leg: who called, None if that is gone, and the numbers called."""

    source: Channel | None
    destination: Iterable[str]


def _line_of(call: Call, channel: Channel, peer: Channel | None, dialled: list[Channel]) -> _Line:
    """Who talks with it comes first, then whom it dials, then who dialled it.

    Two that talk and of whom none dialled the other were joined by a transfer: the leg that is
    older is the source then.
    """
    room = _conference(call, channel)
    if room is not None:
        return _Line(channel, [room])
    caller = call.channels.get(channel.dialled_by or "")
    ringing = [leg for leg in dialled if not leg.answered]
    if peer is None and dialled:
        return _Line(channel, _numbers(channel, ringing or dialled))
    if peer is not None and peer in dialled:
        return _Line(channel, _numbers(channel, [peer]))
    if peer is not None and peer is not caller:
        older, younger = sorted((channel, peer), key=lambda leg: age_order(leg.leg))
        return _Line(older, [_own(younger)])
    if caller is None and channel.originator:
        return _Line(channel, [channel.sent_to or channel.dialled])
    return _Line(caller, [_own(channel)])


def _conference(call: Call, channel: Channel) -> str | None:
    return next(
        (
            visit.extension
            for visit in call.visits
            if visit.room is Room.CONFERENCE and visit.uniqueid == channel.uniqueid
        ),
        None,
    )


def _numbers(caller: Channel, legs: Iterable[Channel]) -> list[str]:
    asked_for = caller.sent_to or caller.dialled
    return [leg.extension or leg.called_as or asked_for for leg in legs]


def _own(channel: Channel) -> str:
    if channel.extension:
        return channel.extension
    # Outside, a trunk's caller has the number that it shows, one that is called the number dialled.
    if channel.originator:
        return channel.caller_number
    return channel.called_as or channel.parties.called_number


def _told_source(channel: Channel) -> tuple[str, ...]:
    told = channel.parties
    return _present(told.caller_extension or told.caller_number)


def _told_caller_id(channel: Channel) -> str:
    return _name_and_number(channel.parties.caller_name, channel.parties.caller_number)


def _present(*numbers: str) -> tuple[str, ...]:
    return tuple(number for number in numbers if number)


def _caller_id(channel: Channel) -> str:
    number = channel.caller_number or channel.extension or ""
    return _name_and_number(channel.caller_name, number)


def _name_and_number(name: str, number: str) -> str:
    return f"{name} <{number}>".strip() if number else name


def _status(channel: Channel, peer: Channel | None, dialled: list[Channel]) -> ViewStatus:
    if peer is None and any(leg.ringing and not leg.answered for leg in dialled):
        return ViewStatus.OTHER_SIDE_RINGING
    match channel.state:
        case ChannelState.UP:
            return ViewStatus.ON_CALL
        case ChannelState.RINGING:
            return ViewStatus.RINGING
        case ChannelState.RING | ChannelState.DIALING:
            return ViewStatus.TRYING
        case ChannelState.RESERVED | ChannelState.OFF_HOOK:
            return ViewStatus.OFF_HOOK
        case ChannelState.DOWN if not channel.originator:
            return ViewStatus.TRYING
        case _:
            return ViewStatus.UNKNOWN


def _flow(channels: list[Channel]) -> Flow | None:
    originators = [channel for channel in channels if channel.originator]
    if any(channel.extension is None for channel in originators):
        return Flow.INCOMING
    others = [channel for channel in channels if not channel.originator]
    if any(leg.extension is None for leg in others):
        return Flow.OUTGOING
    # As long as nobody answers and nobody is dialled a call may still go anywhere.
    return Flow.LOCAL if others or any(leg.answered for leg in originators) else None


def _first_extension(channels: list[Channel]) -> str | None:
    by_originator_first = sorted(channels, key=lambda channel: not channel.originator)
    return next((c.extension for c in by_originator_first if c.extension), None)
