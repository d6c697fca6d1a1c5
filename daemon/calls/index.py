"""The live calls, channels and bridges of one PBX, and how to find them."""

from collections.abc import Iterable
from datetime import datetime

from daemon.calls.model import Call, Channel, phone_call_id


class LiveIndex:
    """Owns the live calls; the tracker changes them, everybody else reads.

    A bridge has Uniqueids of all its channels, also of technical ones (Local and Snoop channels
    and the like), which are legs of no call.
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self._calls: dict[str, Call] = {}
        self._channels: dict[str, Channel] = {}
        self._bridges: dict[str, set[str]] = {}
        self._technical: set[str] = set()
        self._by_id: dict[str, str] = {}
        self._by_extension: dict[str, dict[str, None]] = {}

    # --- reading ---

    def calls(self) -> Iterable[Call]:
        return self._calls.values()

    def call(self, call_id: str) -> Call | None:
        linkedid = self._by_id.get(call_id)
        return self._calls[linkedid] if linkedid else None

    def calls_of(self, extension: str) -> list[Call]:
        """The calls in which this extension has a leg, in the order in which they began."""
        return [self._calls[linkedid] for linkedid in self._by_extension.get(extension, ())]

    def call_of(self, channel: Channel) -> Call:
        return self._calls[channel.linkedid]

    def channel(self, uniqueid: str) -> Channel | None:
        return self._channels.get(uniqueid)

    def bridge_members(self, bridge: str) -> frozenset[str]:
        """Uniqueids of all channels in a bridge."""
        return frozenset(self._bridges.get(bridge, ()))

    def uniqueids(self) -> list[str]:
        """Of every channel, technical ones too."""
        return [*self._channels, *self._technical]

    # --- changing ---

    def restore(self, call: Call) -> None:
        """Take over a call that a former run of the daemon knew, in no bridge as yet."""
        self._calls[call.linkedid] = call
        self._by_id[call.id] = call.linkedid
        for channel in call.channels.values():
            channel.bridge = None
            self._channels[channel.uniqueid] = channel
            self._index(channel)

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
            originator=False,
            view=call.views_used,
            started=now,
            extension=extension,
        )
        call.channels[uniqueid] = channel
        self._channels[uniqueid] = channel
        self._index(channel)
        return channel

    def move(self, channel: Channel, linkedid: str, now: datetime) -> None:
        """The leg goes over into the call with this Linkedid, as a new view there."""
        self._remove_from_call(channel)
        call = self._call_with(linkedid, now)
        call.views_used += 1
        channel.linkedid, channel.view = linkedid, call.views_used
        call.channels[channel.uniqueid] = channel
        self._index(channel)

    def remove(self, channel: Channel) -> None:
        """The leg has ended, and with the last one its call."""
        self.rebridge(channel.uniqueid, "")
        del self._channels[channel.uniqueid]
        self._remove_from_call(channel)

    def note_technical(self, uniqueid: str) -> None:
        self._technical.add(uniqueid)

    def forget_technical(self, uniqueid: str) -> None:
        if uniqueid in self._technical:
            self._technical.remove(uniqueid)
            self.rebridge(uniqueid, "")

    def enter(self, uniqueid: str, bridge: str) -> None:
        self._bridges.setdefault(bridge, set()).add(uniqueid)
        channel = self._channels.get(uniqueid)
        if channel is not None:
            channel.bridge = bridge

    def leave(self, uniqueid: str, bridge: str) -> None:
        members = self._bridges.get(bridge)
        if members is not None:
            members.discard(uniqueid)
            if not members:
                del self._bridges[bridge]
        channel = self._channels.get(uniqueid)
        if channel is not None and channel.bridge == bridge:
            channel.bridge = None

    def rebridge(self, uniqueid: str, bridge: str) -> None:
        """The channel is in this bridge and in no other; "" for none at all."""
        channel = self._channels.get(uniqueid)
        if channel is not None:
            former = [channel.bridge] if channel.bridge else []
        else:  # a technical channel, of which there are few
            former = [b for b, members in self._bridges.items() if uniqueid in members]
        for one in former:
            if one != bridge:
                self.leave(uniqueid, one)
        if bridge:
            self.enter(uniqueid, bridge)

    def _call_with(self, linkedid: str, now: datetime) -> Call:
        call = self._calls.get(linkedid)
        if call is None:
            call = Call(phone_call_id(self._node, linkedid), linkedid, published=now)
            self._calls[linkedid] = call
            self._by_id[call.id] = linkedid
        return call

    def _index(self, channel: Channel) -> None:
        if channel.extension is not None:
            self._by_extension.setdefault(channel.extension, {})[channel.linkedid] = None

    def _remove_from_call(self, channel: Channel) -> None:
        call = self._calls[channel.linkedid]
        del call.channels[channel.uniqueid]
        extension = channel.extension
        if extension is not None and all(
            other.extension != extension for other in call.channels.values()
        ):
            linkedids = self._by_extension[extension]
            del linkedids[channel.linkedid]
            if not linkedids:
                del self._by_extension[extension]
        if not call.channels:
            del self._calls[call.linkedid]
            del self._by_id[call.id]
