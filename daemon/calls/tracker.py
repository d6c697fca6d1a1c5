"""Folds AMI events into calls and yields what happened to their legs.

No I/O, no clock, no settings: events and times come in, CallChanges go out. Every event about a
channel repeats what the channel is, so an event of a channel that was never seen makes it known.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from daemon.calls.ami_fields import (
    AmiEvent,
    age_order,
    duration,
    given,
    is_dialled,
    is_technical,
    number,
)
from daemon.calls.index import LiveIndex
from daemon.calls.model import (
    Call,
    CallChange,
    CallStatus,
    ChangeKind,
    Channel,
    ChannelState,
    Direction,
    Parties,
)
from daemon.calls.status import hangup_status


class Extensions(Protocol):
    """What the tracker asks of the directory."""

    def of_channel(self, channel: str) -> str | None: ...

    def of_number(self, number: str, caller: str | None) -> str | None: ...


class Tracker:
    """Keeps ``live``, which others may read, true to the events of one PBX."""

    def __init__(self, node: str, extensions: Extensions) -> None:
        self._extensions = extensions
        self.live = LiveIndex(node)
        self._touched: set[str] = set()
        self._snapshot: _Snapshot | None = None
        self._handlers: dict[str, Callable[[AmiEvent, datetime], list[CallChange]]] = {
            "Newchannel": self._newchannel,
            "Newstate": self._newstate,
            "NewCallerid": self._refresh,
            "NewConnectedLine": self._refresh,
            "Rename": self._rename,
            "DialBegin": self._dial_begin,
            "DialState": self._dial_state,
            "DialEnd": self._dial_end,
            "BridgeEnter": self._bridge_enter,
            "BridgeLeave": self._bridge_leave,
            "Hold": self._hold,
            "Unhold": self._unhold,
            "Hangup": self._hangup,
        }

    def take_touched(self) -> set[str]:
        """Ids of the calls that have changes to be remembered since this was asked last."""
        touched, self._touched = self._touched, set()
        return touched

    def fold(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        """Take in one AMI event; what it changed, in order. Unknown events change nothing."""
        handler = self._handlers.get(event["Event"])
        if handler is None:
            return []
        if self._snapshot is not None:
            self._snapshot.note(event)
        return handler(event, now)

    def remember(self, calls: Iterable[Call]) -> None:
        """Take over the calls that a former run of the daemon knew, before any event.

        They count until the first ``end_snapshot`` shows which of their channels are still there.
        """
        for call in calls:
            self.live.restore(call)

    def begin_snapshot(self) -> None:
        """From here on events come that the snapshot may or may not have seen."""
        self._snapshot = _Snapshot()

    def end_snapshot(self, rows: Iterable[AmiEvent], now: datetime) -> list[CallChange]:
        """Set right what is known by the CoreShowChannel events of a list asked for since
        ``begin_snapshot``; what was missed, as changes."""
        overtaken = self._snapshot or _Snapshot()
        self._snapshot = None
        live = sorted(
            (row for row in rows if row["Uniqueid"] not in overtaken.ended),
            key=lambda row: age_order(row["Uniqueid"]),
        )
        there = {row["Uniqueid"] for row in live} | (overtaken.seen - overtaken.ended)
        changes = []
        for uniqueid in self.live.uniqueids():
            if uniqueid not in there:
                changes += self._drop(uniqueid, None, now)
        for row in live:
            changes += self._adopt(row, now, overtaken)
        return changes

    # --- one method for each event ---

    def _newchannel(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        return self._announce_originator(self._known(event, now), now)

    def _newstate(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        channel = self._known(event, now)
        return self._take_state(channel, now) if channel else []

    def _refresh(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        self._known(event, now)
        return []

    def _rename(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        channel = self.live.channel(event["Uniqueid"])
        if channel is not None:
            channel.name = event["Newname"]
        return []

    def _dial_begin(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        caller = self._known(event, now) if event.get("Uniqueid") else None
        channel = self._known(event, now, "Dest")
        if channel is None:
            return self._announce_originator(caller, now)
        channel.originator = False
        if caller is not None:
            channel.dialled_by = caller.uniqueid
        return [*self._announce_originator(caller, now), *self._announce(channel, now)]

    def _dial_state(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        channel = self.live.channel(event.get("DestUniqueid", ""))
        if channel is not None and event.get("DialStatus") == "RINGING":
            channel.ringing = channel.ringing or now
        return []

    def _dial_end(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        status = event.get("DialStatus", "")
        channel = self.live.channel(event.get("DestUniqueid", ""))
        if channel is not None:
            channel.dial_status = status
        caller = self.live.channel(event.get("Uniqueid", ""))
        if caller is not None:
            caller.outcomes.append(status)
        return []

    def _bridge_enter(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        channel = self._known(event, now)
        self.live.enter(event["Uniqueid"], event["BridgeUniqueid"])
        return self._take_state(channel, now) if channel else []

    def _bridge_leave(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        self.live.leave(event["Uniqueid"], event["BridgeUniqueid"])
        return []

    def _hold(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        channel = self._known(event, now)
        if channel is not None:
            channel.held_since = channel.held_since or now
        return []

    def _unhold(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        channel = self._known(event, now)
        if channel is not None:
            channel.held_since = None
        return []

    def _hangup(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        cause = event.get("Cause", "")
        return self._drop(event["Uniqueid"], int(cause) if cause.isdigit() else None, now)

    # --- channels ---

    def _known(self, event: AmiEvent, now: datetime, prefix: str = "") -> Channel | None:
        """The channel that the event describes, brought up to date; None for a technical one."""
        uniqueid, name = event[f"{prefix}Uniqueid"], event[f"{prefix}Channel"]
        if is_technical(name):
            self.live.note_technical(uniqueid)
            return None
        state = int(event[f"{prefix}ChannelState"])
        exten = number(event.get(f"{prefix}Exten", ""))
        channel = self.live.channel(uniqueid)
        if channel is None:
            channel = self._join(uniqueid, name, event[f"{prefix}Linkedid"], now)
            channel.originator = state == ChannelState.RING or bool(exten)
            if not channel.originator:
                channel.dialled_by = self._first_originator(channel)
        elif channel.linkedid != event[f"{prefix}Linkedid"]:
            self._move(channel, event[f"{prefix}Linkedid"], now)
        if channel.originator and not channel.dialled:
            channel.dialled = exten
        channel.state = state
        channel.caller_number = given(event.get(f"{prefix}CallerIDNum", ""))
        channel.caller_name = given(event.get(f"{prefix}CallerIDName", ""))
        channel.connected_number = given(event.get(f"{prefix}ConnectedLineNum", ""))
        channel.connected_name = given(event.get(f"{prefix}ConnectedLineName", ""))
        return channel

    def _join(self, uniqueid: str, name: str, linkedid: str, now: datetime) -> Channel:
        return self.live.join(uniqueid, name, linkedid, self._extensions.of_channel(name), now)

    def _move(self, channel: Channel, linkedid: str, now: datetime) -> None:
        self._touched.add(self.live.call_of(channel).id)
        self.live.move(channel, linkedid, now)
        self._touched.add(self.live.call_of(channel).id)

    def _drop(self, uniqueid: str, cause: int | None, now: datetime) -> list[CallChange]:
        channel = self.live.channel(uniqueid)
        if channel is None:
            self.live.forget_technical(uniqueid)
            return []
        changes = []
        if channel.announced:
            status = hangup_status(channel, cause)
            changes.append(self._change(ChangeKind.HANGUP, channel, status, now))
        self.live.remove(channel)
        return changes

    def _adopt(self, row: AmiEvent, now: datetime, overtaken: "_Snapshot") -> list[CallChange]:
        """Bring one channel up to what a CoreShowChannel event says of it."""
        uniqueid = row["Uniqueid"]
        before = self.live.channel(uniqueid)
        overtook = before is not None and uniqueid in overtaken.seen
        channel = before if overtook else self._known(row, now)
        if uniqueid not in overtaken.rebridged:
            self.live.rebridge(uniqueid, row.get("BridgeId", ""))
        if channel is None:
            return []
        if before is None:
            channel.started = now - duration(row.get("Duration", ""))
            channel.originator = not is_dialled(row)
            call = self.live.call_of(channel)
            call.published = min(call.published, channel.started)
            if not channel.originator:
                channel.dialled = ""
                channel.dialled_by = self._first_originator(channel)
        return [*self._announce_originator(channel, now), *self._take_state(channel, now)]

    def _first_originator(self, channel: Channel) -> str | None:
        """Who dialled, as long as no DialBegin tells: it may come late, or name a Local channel."""
        channels = self.live.call_of(channel).channels.values()
        return next((other.uniqueid for other in channels if other.originator), None)

    # --- changes ---

    def _announce_originator(self, channel: Channel | None, now: datetime) -> list[CallChange]:
        if channel is None or not channel.originator or not channel.dialled:
            return []
        return self._announce(channel, now)

    def _announce(self, channel: Channel, now: datetime) -> list[CallChange]:
        if channel.announced:
            return []
        channel.announced = True
        return [self._change(ChangeKind.DIAL, channel, CallStatus.CALLING, now)]

    def _take_state(self, channel: Channel, now: datetime) -> list[CallChange]:
        changes: list[CallChange] = []
        if channel.state in (ChannelState.RINGING, ChannelState.UP):
            changes += self._announce(channel, now)
        if channel.state == ChannelState.RINGING:
            channel.ringing = channel.ringing or now
        if channel.state == ChannelState.UP and channel.answered is None:
            channel.answered = now
            caller = self.live.channel(channel.dialled_by or "")
            if caller is not None:
                caller.answered_by = channel.extension or ""
            changes.append(self._change(ChangeKind.ANSWER, channel, CallStatus.ANSWER, now))
        return changes

    def _change(
        self, kind: ChangeKind, channel: Channel, status: CallStatus, now: datetime
    ) -> CallChange:
        if kind is not ChangeKind.HANGUP:
            channel.parties = self._parties(channel)
        call_id = self.live.call_of(channel).id
        self._touched.add(call_id)
        return CallChange(
            kind=kind,
            at=now,
            call_id=call_id,
            channel=channel.uniqueid,
            extension=channel.extension,
            direction=Direction.OUT if channel.originator else Direction.IN,
            status=status,
            parties=channel.parties,
        )

    def _parties(self, channel: Channel) -> Parties:
        caller = channel if channel.originator else self.live.channel(channel.dialled_by or "")
        if caller is None:
            return Parties(
                caller_number=channel.connected_number,
                caller_name=channel.connected_name,
                called_extension=channel.extension or "",
            )
        if channel.originator:
            called = channel.answered_by or self._extensions.of_number(
                channel.dialled, channel.extension
            )
        else:
            called = channel.extension
        return Parties(
            caller_number=caller.caller_number or caller.extension or "",
            caller_name=caller.caller_name,
            caller_extension=caller.extension or "",
            called_number=caller.dialled,
            called_extension=called or "",
            called_did="" if caller.extension else caller.dialled,
        )


class _Snapshot:
    """What events said while a snapshot was on its way: they are newer than its rows."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.rebridged: set[str] = set()
        self.ended: set[str] = set()

    def note(self, event: AmiEvent) -> None:
        self.seen.update(filter(None, (event.get("Uniqueid"), event.get("DestUniqueid"))))
        if event["Event"] in ("BridgeEnter", "BridgeLeave"):
            self.rebridged.add(event["Uniqueid"])
        if event["Event"] == "Hangup":
            self.ended.add(event["Uniqueid"])
