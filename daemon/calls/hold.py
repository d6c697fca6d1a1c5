"""OnHold and OffHold, decided: who holds whom, how it can end, what a hold is. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

from daemon.calls.index import LiveIndex
from daemon.calls.model import Channel, ChannelState, PhoneCall, PhoneCallView

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
    """One hold in force: Uniqueids of the pair, the Snoop's id, the gains before it."""

    holder: str
    held: str
    snoop: str
    since: datetime
    holder_gain: str
    held_gain: str

    @property
    def pair(self) -> frozenset[str]:
        return frozenset((self.holder, self.held))

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


def holder_of(call: PhoneCall, extensions: frozenset[str], view_id: str) -> PhoneCallView | None:
    """The leg that holds, when a user of these extensions names a view.

    It is the named view if it is one of theirs, else theirs in the named view's bridge. None if
    the call has no such view, or if none of the two legs is theirs.
    """
    named = next((view for view in call.views if view.id == view_id), None)
    if named is None or named.extension in extensions:
        return named
    return next(
        (
            view
            for view in call.views
            if view.extension in extensions and view.bridge == named.bridge and view.bridge
        ),
        None,
    )


def peer_of(live: LiveIndex, holder: Channel) -> Channel | NotHoldable:
    """The channel that a hold by this one would hold."""
    if holder.bridge is None:
        return NotHoldable("It is not in conversation: nobody is connected to it.")
    members = live.bridge_members(holder.bridge)
    if len(members) != 2:
        return NotHoldable(f"It is in a bridge of {len(members)} channels; hold needs exactly two.")
    (peer_id,) = members - {holder.uniqueid}
    peer = live.channel(peer_id)
    if peer is None:
        return NotHoldable("Its peer is a channel inside the PBX and no phone or trunk.")
    if ChannelState.UP not in (holder.state, peer.state) or holder.state != peer.state:
        return NotHoldable("It is not in conversation: one side has not answered yet.")
    return peer
