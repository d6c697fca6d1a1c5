"""Plain values of a call: what the PBX says (Channel, Call) and what the UAPI shows (PhoneCall).

A Call is every channel with the same Linkedid. A PhoneCallView is one leg of it: one channel of
a phone or a trunk. Times are aware datetimes.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from hashlib import blake2b


class ChannelState(IntEnum):
    """ChannelState of AMI (``ast_channel_state`` in Asterisk's channelstate.h)."""

    DOWN = 0
    RESERVED = 1
    OFF_HOOK = 2
    DIALING = 3
    RING = 4
    RINGING = 5
    UP = 6
    BUSY = 7
    DIALING_OFF_HOOK = 8
    PRE_RING = 9
    UNKNOWN = 10


class ViewStatus(IntEnum):
    """``status`` of a PhoneCallView."""

    UNKNOWN = 0
    OFF_HOOK = 1
    TRYING = 2
    RINGING = 3
    OTHER_SIDE_RINGING = 4
    ON_CALL = 5


class Flow(IntEnum):
    """``flow`` of a PhoneCallView."""

    LOCAL = 2
    OUTGOING = 4
    INCOMING = 8


class CallStatus(StrEnum):
    """``CallStatus`` of a call event."""

    CALLING = "CALLING"
    ANSWER = "ANSWER"
    BUSY = "BUSY"
    NOANSWER = "NOANSWER"
    CANCEL = "CANCEL"
    CONGESTION = "CONGESTION"
    CHANUNAVAIL = "CHANUNAVAIL"


class Direction(StrEnum):
    """``CallFlow`` of a call event, as the leg's extension sees the call."""

    IN = "in"
    OUT = "out"


class ChangeKind(StrEnum):
    DIAL = "dial"
    ANSWER = "answer"
    HANGUP = "hangup"


class Seen(StrEnum):
    """How a change came to be known.

    LIVE: the PBX told it as it happened. LATE: it happened while the PBX could not be heard, and a
    snapshot showed it. RECONSTRUCTED: the same of an end; how the leg ended is a conclusion.
    """

    LIVE = "live"
    LATE = "late"
    RECONSTRUCTED = "reconstructed"


class HeldBy(StrEnum):
    """What a leg holds its peer by: our hold, the one of its phone (SIP), or both at once."""

    UAPID = "uapid"
    PHONE = "phone"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class OnHold:
    """That a leg holds its peer. ``note`` is a sentence about what the peer hears, "" for none."""

    since: datetime
    by: HeldBy
    note: str = ""


@dataclass(frozen=True, slots=True)
class Parties:
    """Who called whom, as a leg's events and view tell it; "" where it does not apply."""

    caller_number: str = ""
    caller_name: str = ""
    caller_extension: str = ""
    called_number: str = ""
    called_extension: str = ""
    called_did: str = ""


@dataclass(frozen=True, slots=True)
class Parked:
    """A channel in a parking lot: its space, and the extension that parked it."""

    since: datetime
    space: str
    by: str | None


@dataclass(slots=True)
class Channel:
    """One channel of the PBX that is a leg of a call: a phone or a trunk is at its other end.

    ``call_id`` and ``leg`` are what its events are told with: the id of the call and the Uniqueid
    with which it began. Both stay, whatever becomes of ``linkedid`` and ``uniqueid`` in transfers
    and pick-ups. ``view`` counts from 1 within the call that the leg is in now.

    ``originator`` is True for a channel that came into the PBX (its phone placed the call), False
    for one that the PBX placed, None as long as that is not known: its beginning was not heard, and
    nothing is told of it. ``dialled`` is the number an originator asked for, ``sent_to`` the
    one that a transfer asks for on its behalf, ``called_as`` the one by which it was reached if
    that is not its caller's. ``dialled_by`` is the Uniqueid of the leg on whose
    behalf this one was made. ``outcomes`` are the DialStatus values of what it dialled,
    ``dial_status`` its own. ``answered_by`` is the extension that answered it, "" for none.

    ``held_since`` is the phone's own hold. ``announced`` is True once its dial was told.
    ``parties`` is what was last told, as the other side may be gone first.
    """

    uniqueid: str
    name: str
    linkedid: str
    call_id: str
    leg: str
    originator: bool | None
    view: int
    started: datetime
    extension: str | None = None
    state: int = ChannelState.DOWN
    caller_number: str = ""
    caller_name: str = ""
    connected_number: str = ""
    connected_name: str = ""
    dialled: str = ""
    sent_to: str = ""
    called_as: str = ""
    dialled_by: str | None = None
    dial_status: str = ""
    answered_by: str = ""
    outcomes: set[str] = field(default_factory=set)
    ringing: datetime | None = None
    answered: datetime | None = None
    held_since: datetime | None = None
    parked: Parked | None = None
    bridge: str | None = None
    announced: bool = False
    parties: Parties = Parties()


class Room(StrEnum):
    """What a channel can visit beside other phones."""

    QUEUE = "queue"
    CONFERENCE = "conference"
    IVR = "ivr"


@dataclass(slots=True)
class Visit:
    """A channel's stay in a queue, a conference or an IVR, whose number is ``extension``.

    ``uniqueid`` is the visiting channel's; ``call_id`` and ``leg`` are as in Channel. ``left`` is
    True once it has left a queue: the next event of the channel tells with what success.
    """

    room: Room
    extension: str
    uniqueid: str
    linkedid: str
    call_id: str
    leg: str
    parties: Parties
    answered: bool = False
    left: bool = False


@dataclass(slots=True)
class Call:
    """The channels with one Linkedid, by Uniqueid, in the order in which they joined.

    ``views_used`` is the highest view number given so far; a number never comes twice.
    ``charged_to`` is the extension whose phone began the call, else the first that answered it.
    """

    id: str
    linkedid: str
    published: datetime
    views_used: int = 0
    charged_to: str | None = None
    channels: dict[str, Channel] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PhoneCallView:
    """One leg as the UAPI shows it; ``channel`` is its Uniqueid and ``bridge`` where it talks.

    ``peer`` is the Uniqueid of the one leg that it talks with, also across Local channels.
    ``on_hold`` tells that this leg holds its peer.
    """

    id: str
    channel: str
    bridge: str | None
    peer: str | None
    extension: str | None
    source: tuple[str, ...]
    destination: tuple[str, ...]
    caller_id: str
    flow: Flow | None
    status: ViewStatus
    ringing: datetime | None
    answered: datetime | None
    on_hold: OnHold | None
    parked: Parked | None


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """One live call as the UAPI shows it; ``extension`` is the one the call is charged to."""

    id: str
    extension: str | None
    published: datetime
    answered: datetime | None
    views: tuple[PhoneCallView, ...]


@dataclass(frozen=True, slots=True)
class CallChange:
    """One leg was dialled, answered or hung up; ``channel`` is the Uniqueid it began with.

    A leg is a channel, or a channel's visit to a queue, a conference or an IVR.
    """

    kind: ChangeKind
    at: datetime
    call_id: str
    channel: str
    extension: str | None
    direction: Direction
    status: CallStatus
    parties: Parties
    seen: Seen = Seen.LIVE


def phone_call_id(node: str, linkedid: str) -> str:
    """Id of the PhoneCall with this Linkedid on this node: 20 lower-case hexadecimal digits."""
    return blake2b(f"{node}\0{linkedid}".encode(), digest_size=10).hexdigest()


def view_id(view: int) -> str:
    """Id of the n-th view of a call: ``01``, ``02``, …"""
    return f"{view:02d}"
