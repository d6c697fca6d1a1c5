"""What AMI's events say of a single channel: that it is there, how it is, that it has ended."""

from datetime import datetime
from typing import NamedTuple, Protocol

from daemon.calls.ami_fields import AmiEvent, age_order, given, is_technical, number
from daemon.calls.changes import Changes
from daemon.calls.index import LiveIndex
from daemon.calls.model import Channel, ChannelState
from daemon.calls.status import hangup_status


class Headers(NamedTuple):
    """Names of the headers that describe one of the channels of an event."""

    channel: str
    uniqueid: str
    linkedid: str
    state: str
    exten: str
    caller_number: str
    caller_name: str
    connected_number: str
    connected_name: str

    @classmethod
    def of(cls, prefix: str) -> "Headers":
        """``""`` for the event's own channel, ``Dest`` for the one that is dialled, and so on."""
        names = (
            *("Channel", "Uniqueid", "Linkedid", "ChannelState", "Exten"),
            *("CallerIDNum", "CallerIDName", "ConnectedLineNum", "ConnectedLineName"),
        )
        return cls(*(prefix + name for name in names))


OWN, DEST = Headers.of(""), Headers.of("Dest")


class Endpoints(Protocol):
    """What the directory knows of channels."""

    def of_channel(self, channel: str) -> str | None: ...


class Legs:
    """Keeps the channels of ``live`` as the events describe them."""

    def __init__(self, live: LiveIndex, changes: Changes, endpoints: Endpoints) -> None:
        self._live = live
        self._changes = changes
        self._endpoints = endpoints

    def begin(self, event: AmiEvent, now: datetime) -> Channel | None:
        """The leg that a Newchannel event tells of; None if the channel is a technical one."""
        channel = self.adopt(event, now)
        if channel is not None and channel.originator is None:
            exten = number(event.get(OWN.exten, ""))
            placed_by_phone = channel.state == ChannelState.RING or bool(exten)
            self.settle_origin(channel, exten, placed_by_pbx=not placed_by_phone)
        return channel

    def adopt(self, event: AmiEvent, now: datetime, headers: Headers = OWN) -> Channel | None:
        """As ``known``, but a channel whose beginning was not heard becomes known by this."""
        uniqueid = event[headers.uniqueid]
        if self._live.channel(uniqueid) is None and not self._live.has_ended(uniqueid):
            name, linkedid = event[headers.channel], event[headers.linkedid]
            if is_technical(name):
                self._live.technical.note(uniqueid, name)
            else:
                self._live.join(uniqueid, name, linkedid, self._endpoints.of_channel(name), now)
        return self.known(event, now, headers)

    def known(self, event: AmiEvent, now: datetime, headers: Headers = OWN) -> Channel | None:
        """The leg that the event describes, brought up to date; None if there is no such leg.

        An event may come after the end of its channel; it must not make it known again.
        """
        channel = self._live.channel(event[headers.uniqueid])
        if channel is None:
            return None
        linkedid = event[headers.linkedid]
        if channel.linkedid != linkedid:
            self._follow(channel, linkedid, now)
        if channel.originator and not channel.dialled:
            channel.dialled = number(event.get(headers.exten, ""))
        channel.state = int(event[headers.state])
        channel.caller_number = given(event.get(headers.caller_number, ""))
        channel.caller_name = given(event.get(headers.caller_name, ""))
        channel.connected_number = given(event.get(headers.connected_number, ""))
        channel.connected_name = given(event.get(headers.connected_name, ""))
        return channel

    def advance(self, channel: Channel, now: datetime) -> None:
        """Tell what follows from the channel's state and the number that it dialled.

        That a phone is called is told with DialBegin, which may come after its ringing.
        """
        if channel.originator is None:
            return
        if channel.originator and channel.dialled:
            self._changes.dial(channel, now)
        if channel.state == ChannelState.RINGING:
            channel.ringing = channel.ringing or now
        elif channel.state == ChannelState.UP:
            self._changes.answer(channel, now)

    def catch_up(self, channel: Channel, now: datetime) -> None:
        """As ``advance``, where DialBegin may have been missed."""
        self.advance(channel, now)
        if channel.originator is not None and channel.state == ChannelState.RINGING:
            self._changes.dial(channel, now)

    def settle_origin(self, channel: Channel, exten: str, *, placed_by_pbx: bool) -> None:
        """It is known who placed the channel; ``exten`` is where a phone that did wants to go."""
        channel.originator = not placed_by_pbx
        channel.dialled = "" if placed_by_pbx else exten
        if placed_by_pbx:
            channel.dialled_by = self._first_originator(channel)

    def join(self, bridge: str, now: datetime) -> None:
        """All channels of a bridge have the oldest Linkedid of them; no event tells so."""
        members = self._live.bridge_members(bridge)
        legs = [leg for member in members if (leg := self._live.channel(member)) is not None]
        oldest = min((leg.linkedid for leg in legs), key=age_order, default="")
        for leg in legs:
            if leg.linkedid != oldest:
                self._follow(leg, oldest, now)

    def drop(self, uniqueid: str, cause: int | None, now: datetime) -> None:
        """The channel has ended; ``cause`` is the Cause of its Hangup event, None if not seen."""
        channel = self._live.channel(uniqueid)
        if channel is None:
            self._live.remove_technical(uniqueid)
            return
        self._changes.hangup(channel, hangup_status(channel, cause), now)
        self._live.remove(channel)

    def _follow(self, channel: Channel, linkedid: str, now: datetime) -> None:
        # Where calls are joined Asterisk gives all channels the oldest Linkedid; a younger one is
        # that of an event from before.
        if age_order(linkedid) < age_order(channel.linkedid):
            self._changes.touch(channel)
            self._live.move(channel, linkedid, now)
            self._changes.touch(channel)

    def _first_originator(self, channel: Channel) -> str | None:
        """Who dialled, as long as no DialBegin tells: it may come late."""
        channels = self._live.call_of(channel).channels.values()
        return next((other.uniqueid for other in channels if other.originator), None)
