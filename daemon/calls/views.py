"""A Call as the UAPI shows it: pure functions from what the PBX said to a PhoneCall."""

from collections.abc import Callable
from datetime import datetime

from daemon.calls.model import (
    Call,
    Channel,
    ChannelState,
    Flow,
    Parties,
    PhoneCall,
    PhoneCallView,
    ViewStatus,
    view_id,
)

HoldingSince = Callable[[Channel], datetime | None]


def phone_call(call: Call, holding_since: HoldingSince) -> PhoneCall:
    """``holding_since`` tells since when a channel holds its peer, None if it does not."""
    channels = list(call.channels.values())
    flow = _flow(channels)
    answers = [channel.answered for channel in channels if channel.answered]
    return PhoneCall(
        id=call.id,
        extension=_charged_extension(channels),
        published=call.published,
        answered=min(answers, default=None),
        views=tuple(_view(call, channel, flow, holding_since(channel)) for channel in channels),
    )


def _view(
    call: Call, channel: Channel, flow: Flow | None, on_hold: datetime | None
) -> PhoneCallView:
    dialled = [c for c in call.channels.values() if c.dialled_by == channel.uniqueid]
    return PhoneCallView(
        id=view_id(channel.view),
        channel=channel.uniqueid,
        bridge=channel.bridge,
        extension=channel.extension,
        source=_present(channel.parties.caller_extension or channel.parties.caller_number),
        destination=_destination(channel, dialled),
        caller_id=_caller_id(channel.parties),
        flow=flow,
        status=_status(channel, dialled),
        ringing=channel.ringing,
        answered=channel.answered,
        on_hold=on_hold,
    )


def _present(*numbers: str) -> tuple[str, ...]:
    return tuple(number for number in numbers if number)


def _destination(channel: Channel, dialled: list[Channel]) -> tuple[str, ...]:
    asked_for = channel.parties.called_number
    if not channel.originator:
        return _present(channel.extension or asked_for or channel.caller_number)
    reached = [leg for leg in dialled if leg.answered] or dialled
    return _present(*(leg.extension or asked_for for leg in reached)) or _present(asked_for)


def _caller_id(parties: Parties) -> str:
    if not parties.caller_number:
        return parties.caller_name
    return f"{parties.caller_name} <{parties.caller_number}>".strip()


def _status(channel: Channel, dialled: list[Channel]) -> ViewStatus:
    if channel.bridge is None and any(leg.ringing and not leg.answered for leg in dialled):
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
    if not others:
        return None
    return Flow.OUTGOING if any(leg.extension is None for leg in others) else Flow.LOCAL


def _charged_extension(channels: list[Channel]) -> str | None:
    by_originator_first = sorted(channels, key=lambda channel: not channel.originator)
    return next((c.extension for c in by_originator_first if c.extension), None)
