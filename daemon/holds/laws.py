"""The laws of hold, as decisions over what the PBX says. Pure.

(a) Nobody stays muted or on music, whatever dies: ``why_apart`` tells when a hold must end,
    ``is_whole`` which ones a new run of the daemon may go on with.
(b) No call is cut: ``parties_of`` and ``why_deaf`` tell which calls must not be touched.
(c) Nothing is said to be held, or not held, that is not so: ``on_hold`` is what is told.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from daemon.calls.index import LiveIndex
from daemon.calls.model import (
    Channel,
    ChannelState,
    HeldBy,
    OnHold,
    PhoneCall,
    PhoneCallView,
)
from daemon.holds.formats import can_decode
from daemon.holds.hold import Hold, InForce, NotHoldable


class Parties(NamedTuple):
    """Who holds and who is held, two phones or trunks, and the id of their PhoneCall."""

    holder: Channel
    held: Channel
    call: str

    @property
    def channels(self) -> frozenset[str]:
        return frozenset((self.holder.uniqueid, self.held.uniqueid))

    @property
    def story(self) -> str:
        """How the log begins to tell of the hold."""
        return f"call {self.call}: hold by {self.holder.name} of {self.held.name}"


# --- whose hold it is ---


def holder_of(call: PhoneCall, extensions: frozenset[str], view_id: str) -> PhoneCallView | None:
    """The leg that holds, when a user of these extensions names a view.

    It is the named view if it is one of theirs, else theirs that talks with the named one. None
    if the call has no such view, or if none of the two legs is theirs.
    """
    named = next((view for view in call.views if view.id == view_id), None)
    if named is None or named.extension in extensions:
        return named
    return next(
        (view for view in call.views if view.extension in extensions and _share(view, named)),
        None,
    )


def _share(one: PhoneCallView, other: PhoneCallView) -> bool:
    return other.peer == one.channel or (one.bridge is not None and one.bridge == other.bridge)


# --- what may be touched ---


def parties_of(live: LiveIndex, holder_id: str) -> Parties | NotHoldable:
    """The two that a hold by this channel would be about, or why there are none.

    They are the ends at the phones or trunks, also where Local channels lie between them: what is
    done to a Local channel keeps it from being optimised away, or comes out at the wrong side.
    """
    holder = live.channel(holder_id)
    if holder is None:
        return NotHoldable("It has ended.")
    if holder.bridge is None:
        return NotHoldable("It is not in conversation: nobody is connected to it.")
    members = live.bridge_members(holder.bridge)
    if len(members) != 2:
        return NotHoldable(f"It is in a bridge of {len(members)} channels; hold needs exactly two.")
    held = live.peer(holder_id)
    if held is None or live.peer(held.uniqueid) is not holder:
        return NotHoldable("Its peer is a channel inside the PBX and no phone or trunk.")
    if holder.state != ChannelState.UP or held.state != ChannelState.UP:
        return NotHoldable("It is not in conversation: one side has not answered yet.")
    return Parties(holder, held, live.call_of(holder).id)


def why_deaf(formats: Iterable[str], modules: Collection[str] | None) -> NotHoldable | None:
    """Why Asterisk, with these modules, can neither silence these codecs nor play into them."""
    passed_through = sorted({name for name in formats if not can_decode(name, modules)})
    if not passed_through:
        return None
    codecs = " and ".join(passed_through)
    return NotHoldable(
        f"Its codec is {codecs}, which this PBX only passes through: it could not silence anybody."
    )


# --- when it must end ---


def why_apart(live: LiveIndex, channels: frozenset[str]) -> str | None:
    """Why a hold between these two must end; None while they are alone together."""
    one, other = (live.channel(uniqueid) for uniqueid in sorted(channels))
    if one is None or other is None:
        return "one of the two has hung up"
    if live.peer(one.uniqueid) is other and live.peer(other.uniqueid) is one:
        return None
    parked = next((channel for channel in (one, other) if channel.parked), None)
    if parked is not None:
        return f"{parked.name} was parked"
    if one.bridge is not None and one.bridge == other.bridge:
        return "a third party joined"
    return "the two are not connected any more"


def is_whole(hold: Hold, silenced: Collection[str]) -> bool:
    """Whether a hold that is found on the PBX was put in force completely.

    Both are silenced last and have their voices back first; a hold with less was cut short.
    """
    return hold.channels <= set(silenced)


# --- what is told ---


def on_hold(channel: Channel, ours: InForce | None) -> OnHold | None:
    """How this channel holds its peer: by our hold, by its phone's own, or by both."""
    if ours is None:
        since = channel.held_since
        return None if since is None else OnHold(since, HeldBy.PHONE)
    if channel.held_since is None:
        return OnHold(ours.hold.since, HeldBy.UAPID, ours.note)
    return OnHold(min(ours.hold.since, channel.held_since), HeldBy.BOTH, ours.note)
