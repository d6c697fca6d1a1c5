"""The live calls, channels and bridges of one PBX, and how to find them."""

from collections.abc import Iterable
from datetime import datetime

from daemon.calls.bridges import Bridges
from daemon.calls.live_extensions import LiveExtensions
from daemon.calls.model import Call, Channel, Parties, Room, Visit, phone_call_id
from daemon.calls.technical import Technical, TechnicalChannels

_ENDED_KEPT = 4096


class LiveIndex:
    """Owns the live calls; the tracker changes them, everybody else reads.

    A bridge has Uniqueids of all its channels, also of ``technical`` ones. Bridges in which nobody
    talks (parking lots and the like) are none here.
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self._calls: dict[str, Call] = {}
        self._channels: dict[str, Channel] = {}
        self.technical = TechnicalChannels()
        self._visits: dict[str, list[Visit]] = {}
        self._bridges = Bridges()
        self._by_id: dict[str, str] = {}
        self._by_extension: dict[str, dict[str, int]] = {}
        self.extensions = LiveExtensions()
        self._ended: dict[str, None] = {}

    # --- reading ---

    def calls(self) -> Iterable[Call]:
        return self._calls.values()

    def call(self, call_id: str) -> Call | None:
        linkedid = self._by_id.get(call_id)
        return self._calls[linkedid] if linkedid else None

    def calls_of(self, extension: str) -> list[Call]:
        """The calls in which this extension has a leg and those charged to it, oldest first."""
        return [self._calls[linkedid] for linkedid in self._by_extension.get(extension, ())]

    def call_of(self, leg: Channel | Visit) -> Call:
        return self._calls[leg.linkedid]

    def channel(self, uniqueid: str) -> Channel | None:
        return self._channels.get(uniqueid)

    def has_ended(self, uniqueid: str) -> bool:
        """Whether this channel was here and has ended: an event that speaks of it is late."""
        return uniqueid in self._ended

    def visits_of(self, uniqueid: str) -> list[Visit]:
        """Where a channel is: a queue, a conference, an IVR, several if they are nested."""
        return list(self._visits.get(uniqueid, ()))

    def visits(self) -> list[Visit]:
        return [visit for visits in self._visits.values() for visit in visits]

    def bridge_members(self, bridge: str) -> frozenset[str]:
        """Uniqueids of all channels in a bridge."""
        return self._bridges.members(bridge)

    def uniqueids(self) -> list[str]:
        """Of every channel, technical ones and those that are known by their visits alone too."""
        return list(dict.fromkeys([*self._channels, *self.technical, *self._visits]))

    def far_end(self, uniqueid: str) -> Channel | None:
        """The leg that speaks through a channel: itself, or the one across its Local channels."""
        passed: set[str] = set()
        while uniqueid not in passed:
            passed.add(uniqueid)
            if uniqueid in self._channels:
                return self._channels[uniqueid]
            other = self.technical.other_half(uniqueid)
            if other is None:
                return None
            uniqueid = other.dialled_by or other.dialled or self._bridges.neighbour(other.uniqueid)
        return None

    def peer(self, uniqueid: str) -> Channel | None:
        """The leg that a channel talks with, across Local channels; None if there are several."""
        passed: set[str] = set()
        while uniqueid not in passed:
            passed.add(uniqueid)
            neighbour = self._bridges.neighbour(uniqueid)
            if neighbour in self._channels:
                return self._channels[neighbour]
            other = self.technical.other_half(neighbour)
            if other is None:
                return None
            uniqueid = other.uniqueid
        return None

    def halves_beside(self, channel: Channel) -> list[Technical]:
        """The other halves of the Local channels that are in its bridge."""
        halves = map(self.technical.other_half, self._bridges.members(channel.bridge))
        return [half for half in halves if half is not None]

    # --- changing: calls and their legs ---

    def restore(self, call: Call) -> None:
        """Take over a call that a former run of the daemon knew, in no bridge as yet."""
        self._calls[call.linkedid] = call
        self._by_id[call.id] = call.linkedid
        for channel in call.channels.values():
            channel.bridge = None
            self._channels[channel.uniqueid] = channel
            self._count_in(channel.extension, call.linkedid)
        self._count_in(call.charged_to, call.linkedid)
        for visit in call.visits:
            self._visits.setdefault(visit.uniqueid, []).append(visit)
            self._count_in(visit.extension, call.linkedid)

    def join(
        self, uniqueid: str, name: str, linkedid: str, extension: str | None, now: datetime
    ) -> Channel:
        """A new leg of the call with this Linkedid, which begins with it if there is none."""
        call = self._call_with(linkedid, now)
        call.views_used += 1
        channel = Channel(
            uniqueid=uniqueid,
            name=name,
            linkedid=linkedid,
            call_id=call.id,
            leg=uniqueid,
            originator=None,
            view=call.views_used,
            started=now,
            extension=extension,
        )
        call.channels[uniqueid] = channel
        self._channels[uniqueid] = channel
        self._count_in(extension, linkedid)
        return channel

    def move(self, channel: Channel, linkedid: str, now: datetime) -> None:
        """The leg goes over into the call with this Linkedid, as a new view there."""
        former = self._calls[channel.linkedid]
        call = self._call_with(linkedid, now)
        call.published = min(call.published, channel.started)
        call.views_used += 1
        for visit in self._visits.get(channel.uniqueid, ()):
            former.visits.remove(visit)
            self._count_out(visit.extension, former)
            visit.linkedid = linkedid
            call.visits.append(visit)
            self._count_in(visit.extension, linkedid)
        del former.channels[channel.uniqueid]
        self._count_out(channel.extension, former)
        self._end_if_empty(former)
        channel.linkedid, channel.view = linkedid, call.views_used
        call.channels[channel.uniqueid] = channel
        self._count_in(channel.extension, linkedid)

    def charge(self, call: Call, extension: str) -> None:
        """The call is this extension's from now on, even when it has no leg in it any more."""
        self._count_out(call.charged_to, call)
        call.charged_to = extension
        self._count_in(extension, call.linkedid)

    def remove(self, channel: Channel) -> None:
        """The leg has ended, and with the last one its call."""
        self._bridges.leave(channel.uniqueid)
        del self._channels[channel.uniqueid]
        call = self._calls[channel.linkedid]
        del call.channels[channel.uniqueid]
        self._count_out(channel.extension, call)
        self._end_if_empty(call)
        self._note_ended(channel.uniqueid)

    def begin_visit(
        self,
        room: Room,
        uniqueid: str,
        linkedid: str,
        extension: str,
        parties: Parties,
        now: datetime,
    ) -> Visit:
        """The channel comes into a queue, a conference or an IVR."""
        call = self._call_with(linkedid, now)
        visit = Visit(room, extension, uniqueid, linkedid, call.id, uniqueid, parties)
        channel = self._channels.get(uniqueid)
        if channel is not None:
            visit.call_id, visit.leg = channel.call_id, channel.leg
        call.visits.append(visit)
        self._visits.setdefault(uniqueid, []).append(visit)
        self._count_in(extension, linkedid)
        return visit

    def end_visit(self, visit: Visit) -> None:
        call = self._calls[visit.linkedid]
        call.visits.remove(visit)
        self._visits[visit.uniqueid].remove(visit)
        if not self._visits[visit.uniqueid]:
            del self._visits[visit.uniqueid]
        self._count_out(visit.extension, call)
        self._end_if_empty(call)

    def remove_technical(self, uniqueid: str) -> None:
        """A technical channel has ended, if it is one."""
        if uniqueid in self.technical:
            self._bridges.leave(uniqueid)
            self.technical.forget(uniqueid)
            self._note_ended(uniqueid)

    # --- changing: bridges ---

    def enter(self, uniqueid: str, bridge: str) -> None:
        """The channel is in this bridge now, and in no other any more."""
        channel = self._channels.get(uniqueid)
        if channel is not None:
            channel.bridge = bridge
        if channel is not None or uniqueid in self.technical:
            self._bridges.enter(uniqueid, bridge)

    def leave(self, uniqueid: str, bridge: str | None = None) -> None:
        """The channel is not in this bridge any more, or in none at all if none is named."""
        self._bridges.leave(uniqueid, bridge)
        channel = self._channels.get(uniqueid)
        if channel is not None:
            channel.bridge = self._bridges.of(uniqueid)

    # --- what is counted ---

    def _call_with(self, linkedid: str, now: datetime) -> Call:
        call = self._calls.get(linkedid)
        if call is None:
            call = Call(phone_call_id(self._node, linkedid), linkedid, published=now)
            self._calls[linkedid] = call
            self._by_id[call.id] = linkedid
        return call

    def _end_if_empty(self, call: Call) -> None:
        if not call.channels and not call.visits:
            self._count_out(call.charged_to, call)
            del self._calls[call.linkedid]
            del self._by_id[call.id]

    def _note_ended(self, uniqueid: str) -> None:
        self._ended[uniqueid] = None
        if len(self._ended) > _ENDED_KEPT:
            del self._ended[next(iter(self._ended))]

    def _count_in(self, extension: str | None, linkedid: str) -> None:
        if extension is None:
            return
        legs = self._by_extension.get(extension)
        if legs is None:
            legs = self._by_extension[extension] = {}
            self.extensions.add(extension)
        legs[linkedid] = legs.get(linkedid, 0) + 1

    def _count_out(self, extension: str | None, call: Call) -> None:
        if extension is None:
            return
        legs = self._by_extension[extension]
        legs[call.linkedid] -= 1
        if not legs[call.linkedid]:
            del legs[call.linkedid]
            if not legs:
                del self._by_extension[extension]
                self.extensions.discard(extension)
