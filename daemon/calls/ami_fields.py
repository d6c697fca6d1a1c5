"""What the headers of AMI's channel events mean. Pure."""

import re
from collections.abc import Mapping
from datetime import timedelta

AmiEvent = Mapping[str, str]

# Channels that Asterisk makes for itself: no phone and no trunk is behind them.
_TECHNICAL = (
    "Local/",
    "Snoop/",
    "Announcer/",
    "Recorder/",
    "CBAnn/",
    "CBRec/",
    "AsyncGoto/",
    "Surrogate/",
    "Message/",
    "MulticastRTP/",
    "UnicastRTP/",
)
_CHANNEL_SUFFIX = re.compile(r"-[0-9a-f]{8}(;[12])?$")
_DIALLED_USER = re.compile(r"(?:.*(?:sips?:|/))?([0-9*#+]+)@")
_HOLDING = "holding_bridge"
_NOT_A_NUMBER = ("", "s", "h", "i", "t", "<unknown>")
_DIALLED_BY_PBX = ("AppDial", "AppDial2", "AppQueue")


def is_technical(channel: str) -> bool:
    """Whether a channel of this name is no leg of a call."""
    return channel.startswith(_TECHNICAL)


def device_of(channel: str) -> str:
    """The device that a channel's name begins with: ``PJSIP/210`` of ``PJSIP/210-0000001a``."""
    return _CHANNEL_SUFFIX.sub("", channel)


def is_dialled(row: AmiEvent) -> bool:
    """Whether the channel of a CoreShowChannel event was placed by the PBX."""
    return row.get("Application") in _DIALLED_BY_PBX


def is_holding(event: AmiEvent) -> bool:
    """Whether nobody talks in the bridge of this event: a parking lot or the like."""
    return event.get("BridgeTechnology") == _HOLDING


def joins_calls(event: AmiEvent) -> bool:
    """Whether Asterisk joins the calls of the channels in the bridge of this event.

    It does in the bridges of Dial() and the like, and in those of Stasis applications, but not in
    conferences (bridge_basic_push and bridge_stasis_push of its source).
    """
    return event.get("BridgeType") in ("basic", "stasis") and not is_holding(event)


def dialled_user(dial_string: str) -> str:
    """The number in a DialString such as ``0213334444@trunk``, "" if there is none."""
    found = _DIALLED_USER.match(dial_string)
    return found[1] if found else ""


def number(exten: str) -> str:
    """The number that an Exten is, "" for the dialplan's special ones."""
    return "" if exten in _NOT_A_NUMBER else exten


def transfer_target(exten: str) -> str:
    """The number that a channel in the dialplan was sent to, "" where it is none.

    A parked call that timed out is sent to the parker by a name such as ``PJSIP_0003*210``.
    """
    return exten if exten.strip("0123456789*#+") == "" else ""


def given(text: str) -> str:
    """A caller id's name or number, "" where Asterisk says that it has none."""
    return "" if text == "<unknown>" else text


def age_order(uniqueid: str) -> tuple[int, int]:
    """Sorts Uniqueids (``1795296890.7943``, perhaps with a system name before) by age."""
    seconds, _, count = uniqueid.rpartition("-")[2].partition(".")
    return (int(seconds), int(count)) if seconds.isdigit() and count.isdigit() else (0, 0)


def duration(text: str) -> timedelta:
    """A Duration of CoreShowChannel, ``HH:MM:SS``; none at all for anything else."""
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return timedelta()
    hours, minutes, seconds = map(int, parts)
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
