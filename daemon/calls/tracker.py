"""Folds AMI events into calls and yields what happened to their legs.

No I/O, no clock, no settings: events and times come in, CallChanges go out. A channel begins with
its Newchannel, or with the snapshot that shows it, and ends with its Hangup; every event in between
repeats what it is. What was missed is set right by the next snapshot.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from daemon.calls.ami_fields import (
    AmiEvent,
    dialled_user,
    given,
    is_holding,
    joins_calls,
    transfer_target,
)
from daemon.calls.changes import Changes
from daemon.calls.index import LiveIndex
from daemon.calls.legs import DEST, OWN, Endpoints, Legs
from daemon.calls.model import Call, CallChange, Channel, Parked
from daemon.calls.parties import Numbers
from daemon.calls.snapshot import Listing, Overtaken, Snapshot
from daemon.calls.visits import Rooms, Visits


class Extensions(Endpoints, Numbers, Rooms, Protocol):
    """What the tracker asks of the directory."""


class Tracker:
    """Keeps ``live``, which others may read, true to the events of one PBX."""

    def __init__(self, node: str, extensions: Extensions) -> None:
        self.live = LiveIndex(node)
        self._extensions = extensions
        self._changes = Changes(self.live, extensions)
        self._legs = Legs(self.live, self._changes, extensions)
        self._visits = Visits(self.live, self._changes, extensions)
        self._overtaken: Overtaken | None = None
        visits = self._visits
        self._handlers: dict[str, Callable[[AmiEvent, datetime], None]] = {
            "Newchannel": self._newchannel,
            "Newstate": self._channel_seen,
            "NewCallerid": self._channel_seen,
            "NewConnectedLine": self._channel_seen,
            "Newexten": self._channel_seen,
            "Rename": self._rename,
            "DialBegin": self._dial_begin,
            "DialState": self._dial_state,
            "DialEnd": self._dial_end,
            "BridgeEnter": self._bridge_enter,
            "BridgeLeave": self._bridge_leave,
            "BlindTransfer": self._blind_transfer,
            "ParkedCall": self._parked,
            "UnParkedCall": self._unparked,
            "ParkedCallTimeOut": self._unparked,
            "ParkedCallGiveUp": self._unparked,
            "Hold": self._hold,
            "Unhold": self._unhold,
            "QueueCallerJoin": visits.queue_joined,
            "QueueCallerAbandon": visits.queue_abandoned,
            "QueueCallerLeave": visits.queue_left,
            "AgentConnect": visits.agent_connected,
            "AgentComplete": visits.agent_completed,
            "ConfbridgeJoin": visits.conference_joined,
            "ConfbridgeLeave": visits.conference_left,
            "HangupRequest": visits.hangup_requested,
            "SoftHangupRequest": visits.hangup_requested,
            "Hangup": self._hangup,
        }

    @property
    def event_names(self) -> frozenset[str]:
        """The names of the events that change anything here."""
        return frozenset(self._handlers)

    def take_touched(self) -> set[str]:
        """Ids of the calls that have changes to be remembered since this was asked last."""
        touched, self._changes.touched = self._changes.touched, set()
        return touched

    def fold(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        """Take in one AMI event; what it changed, in order. Unknown events change nothing."""
        handler = self._handlers.get(event["Event"])
        if handler is None:
            return []
        if self._overtaken is not None:
            self._overtaken.note(event)
            self._describe(event, now)
        handler(event, now)
        return self._changes.take()

    def remember(self, calls: Iterable[Call]) -> None:
        """Take over the calls that a former run of the daemon knew, before any event.

        They count until the first ``end_snapshot`` shows which of their channels are still there.
        """
        for call in calls:
            self.live.restore(call)

    def begin_snapshot(self) -> None:
        """From here on events come that the snapshot may or may not have seen."""
        self._overtaken = Overtaken()
        self._visits.events_were_lost()

    def end_snapshot(self, listing: Listing, now: datetime) -> list[CallChange]:
        """Set right what is known by lists asked for since ``begin_snapshot``; what was missed,
        as changes."""
        overtaken = self._overtaken or Overtaken()
        self._overtaken = None
        snapshot = Snapshot(self.live, self._legs, self._visits, self._changes, overtaken)
        snapshot.apply(listing, now)
        return self._changes.take()

    # --- a channel ---

    def _newchannel(self, event: AmiEvent, now: datetime) -> None:
        channel = self._legs.begin(event, now)
        self._visits.seen(event, now)
        if channel is not None:
            self._legs.advance(channel, now)

    def _channel_seen(self, event: AmiEvent, now: datetime) -> None:
        channel = self._known(event, now)
        if channel is not None:
            self._legs.advance(channel, now)

    def _known(self, event: AmiEvent, now: datetime) -> Channel | None:
        channel = self._legs.known(event, now)
        self._visits.seen(event, now)
        return channel

    def _describe(self, event: AmiEvent, now: datetime) -> None:
        """Bring the channels of an event up to date, as it may be all that is heard of them."""
        for headers in (OWN, DEST):
            if event.get(headers.uniqueid) and headers.state in event:
                self._legs.adopt(event, now, headers)

    def _rename(self, event: AmiEvent, now: datetime) -> None:
        channel = self.live.channel(event["Uniqueid"])
        if channel is not None:
            channel.name = event["Newname"]

    def _hold(self, event: AmiEvent, now: datetime) -> None:
        channel = self._known(event, now)
        if channel is not None:
            channel.held_since = channel.held_since or now

    def _unhold(self, event: AmiEvent, now: datetime) -> None:
        channel = self._known(event, now)
        if channel is not None:
            channel.held_since = None

    def _hangup(self, event: AmiEvent, now: datetime) -> None:
        cause = event.get("Cause", "")
        self._visits.gone(event["Uniqueid"], now)
        self._legs.drop(event["Uniqueid"], int(cause) if cause.isdigit() else None, now)

    # --- a channel dials another one ---

    def _dial_begin(self, event: AmiEvent, now: datetime) -> None:
        caller_id = event.get("Uniqueid", "")
        if caller_id:
            self._channel_seen(event, now)
        channel = self._legs.known(event, now, DEST)
        if channel is None:
            half = self.live.technical.get(event["DestUniqueid"])
            if half is not None:
                half.dialled_by = caller_id
            return
        if channel.originator is not False:
            self._legs.settle_origin(channel, "", placed_by_pbx=True)
        channel.called_as = self._called_as(event, channel)
        caller = self.live.far_end(caller_id) or self._asking(event, channel)
        if caller is not None:
            channel.dialled_by = caller.uniqueid
            if caller.uniqueid == caller_id and not caller.originator and not caller.sent_to:
                caller.sent_to = transfer_target(event.get("Exten", ""))
        self._changes.dial(channel, now)

    def _asking(self, event: AmiEvent, third: Channel) -> Channel | None:
        """Who has a transfer by keys dial, while it is not in the bridge yet: its number tells."""
        if event.get("Uniqueid", "") not in self.live.technical:
            return None
        number = given(event.get("CallerIDNum", ""))
        talking = (leg for leg in self.live.call_of(third).channels.values() if leg.answered)
        asking = [leg for leg in talking if number and leg.caller_number == number]
        return asking[0] if len(asking) == 1 else None

    def _called_as(self, event: AmiEvent, channel: Channel) -> str:
        """The number that a leg is called as, where it is not the one that its caller dialled."""
        if channel.extension is None:
            return dialled_user(event.get("DialString", ""))
        half = self.live.technical.get(event.get("Uniqueid", ""))
        if half is None:
            return ""
        half.dialled = channel.uniqueid
        other = self.live.technical.other_half(half.uniqueid)
        # A Local channel that nobody dialled is that of an Originate or of a transfer by keys.
        dialled = half.dialled_by or (other.dialled_by if other else "")
        return "" if dialled else transfer_target(event.get("Exten", ""))

    def _dial_state(self, event: AmiEvent, now: datetime) -> None:
        channel = self.live.channel(event.get("DestUniqueid", ""))
        if channel is not None and event.get("DialStatus") == "RINGING":
            channel.ringing = channel.ringing or now

    def _dial_end(self, event: AmiEvent, now: datetime) -> None:
        status = event.get("DialStatus", "")
        channel = self.live.channel(event.get("DestUniqueid", ""))
        caller = self.live.channel(event.get("Uniqueid", ""))
        if channel is not None:
            channel.dial_status = status
        if caller is not None:
            caller.outcomes.add(status)
        if channel is not None and caller is not None and status == "ANSWER":
            # Another phone than the one that was dialled if it was picked up.
            channel.dialled_by = caller.uniqueid
            self._changes.answered_by(channel)

    # --- bridges, transfers, parking ---

    def _bridge_enter(self, event: AmiEvent, now: datetime) -> None:
        channel = self._known(event, now)
        if is_holding(event):
            self.live.leave(event["Uniqueid"])
            return
        self.live.enter(event["Uniqueid"], event["BridgeUniqueid"])
        if joins_calls(event):
            self._legs.join(event["BridgeUniqueid"], now)
        if channel is not None:
            self._consult(channel)
            self._legs.advance(channel, now)

    def _consult(self, channel: Channel) -> None:
        """In a transfer by keys the third may be dialled before who asks is in the bridge."""
        for half in self.live.halves_beside(channel):
            third = self.live.channel(half.dialled)
            if third is not None and third.answered is None:
                third.dialled_by = channel.uniqueid

    def _bridge_leave(self, event: AmiEvent, now: datetime) -> None:
        self.live.leave(event["Uniqueid"], event["BridgeUniqueid"])

    def _blind_transfer(self, event: AmiEvent, now: datetime) -> None:
        transferee = self.live.far_end(event.get("TransfereeUniqueid", ""))
        # A transfer into a parking lot asks for nobody; its event may come after ParkedCall.
        if transferee is not None and transferee.parked is None:
            transferee.sent_to = event.get("Extension", "")

    def _parked(self, event: AmiEvent, now: datetime) -> None:
        channel = self.live.channel(event.get("ParkeeUniqueid", ""))
        if channel is not None:
            by = self._extensions.of_channel(event.get("ParkerDialString", ""))
            channel.parked = Parked(now, event.get("ParkingSpace", ""), by)
            channel.sent_to = ""
            self._changes.touch(channel)

    def _unparked(self, event: AmiEvent, now: datetime) -> None:
        channel = self.live.channel(event.get("ParkeeUniqueid", ""))
        if channel is not None:
            channel.parked = None
            self._changes.touch(channel)
