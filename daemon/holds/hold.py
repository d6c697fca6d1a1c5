"""What a hold is, and how OnHold and OffHold can end. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

_MARK = "hold"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The PBX has done what was asked, or it was so already; nothing is left to do."""


@dataclass(frozen=True, slots=True)
class NotHoldable:
    """This leg cannot be held as the call stands; ``reason`` is a sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The PBX did not do it; ``unavailable`` if it could not be asked or gave no answer.

    A failed OnHold is undone, a failed OffHold goes on until it is done.
    """

    reason: str
    unavailable: bool


HoldOutcome = Confirmed | NotHoldable | Failed


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold: Uniqueids of the two, the id of its Snoop channel, the gains before it."""

    holder: str
    held: str
    snoop: str
    since: datetime
    holder_gain: str
    held_gain: str

    @property
    def channels(self) -> frozenset[str]:
        return frozenset((self.holder, self.held))

    @property
    def gains(self) -> Mapping[str, str]:
        return {self.holder: self.holder_gain, self.held: self.held_gain}

    def to_arguments(self) -> str:
        """The Snoop's application arguments, which ``from_arguments`` reads."""
        since = str(int(self.since.timestamp()))
        return ",".join((_MARK, self.holder, self.held, self.holder_gain, self.held_gain, since))

    @classmethod
    def from_arguments(cls, snoop: str, arguments: list[str]) -> "Hold | None":
        """The hold that a Snoop's arguments tell of, None if they are not ours."""
        if len(arguments) != 6 or arguments[0] != _MARK or not arguments[5].isdigit():
            return None
        _, holder, held, holder_gain, held_gain, since = arguments
        started = datetime.fromtimestamp(int(since), UTC)
        return cls(holder, held, snoop, started, holder_gain, held_gain)


@dataclass(slots=True)
class InForce:
    """A hold that the PBX has confirmed, with what is known of what the held party hears.

    ``music`` is a sentence when the music is not what was asked for; ``heard`` is False while the
    holder's phone sends no RTP, which keeps the music away from the held party as well.
    ``received`` is how many packets that had sent before the hold, None if that is not known.
    """

    hold: Hold
    music: str = ""
    heard: bool = True
    received: int | None = None

    @property
    def note(self) -> str:
        """What an app should know beside that it is held; "" if there is nothing."""
        if self.heard:
            return self.music
        silent = "Held without music: the holder's phone sends no RTP, so none reaches the other."
        return f"{silent} {self.music}".rstrip()


@dataclass(slots=True, eq=False)
class Pair:
    """Two channels and the holds between them, by the Uniqueids of their holders.

    Each of the two can hold the other, and the voices come back when the last hold ends.
    ``snoops`` are the holds whose Snoop channel may be on the PBX: begun and not yet ended.
    ``gains`` are those of both from before the first hold, ``silenced`` are the channels whose
    voice may have been taken, and ``recordings_silenced`` tells that so may be recordings of them.
    ``call`` is the id of their PhoneCall, ``names`` are those of the
    channels: for the log, as long as a hold may be there.
    """

    channels: frozenset[str]
    call: str
    names: Mapping[str, str]
    gains: Mapping[str, str]
    holds: dict[str, InForce] = field(default_factory=dict)
    snoops: dict[str, Hold] = field(default_factory=dict)
    silenced: set[str] = field(default_factory=set)
    recordings_silenced: bool = False

    def story(self, hold: Hold) -> str:
        """How the log begins to tell of one of the holds."""
        holder, held = self.names[hold.holder], self.names[hold.held]
        return f"call {self.call}: hold by {holder} of {held}"

    def __str__(self) -> str:
        return f"call {self.call}: hold between {' and '.join(sorted(self.names.values()))}"
