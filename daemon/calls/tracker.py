"""Folds AMI events into calls and yields what happened to their legs.

No I/O, no clock, no settings: events and times come in, CallChanges go out. Every event about a
channel repeats what the channel is, so an event of a channel that was never seen makes it known.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from daemon.calls.model import (
    Call,
    CallChange,
    CallStatus,
    ChangeKind,
    Channel,
    ChannelState,
    Direction,
    Parties,
    phone_call_id,
)
from daemon.calls.status import hangup_status

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
    "Bridge/",
    "ConfBridge",
)
_NOT_A_NUMBER = ("", "s", "h", "i", "t", "<unknown>")
_DIALLED_BY_PBX = ("AppDial", "AppDial2", "AppQueue")


class Extensions(Protocol):
    """What the tracker asks of the directory."""

    def of_channel(self, channel: str) -> str | None: ...

    def of_number(self, number: str, caller: str | None) -> str | None: ...


class Tracker:
    """All live calls of one PBX."""

    def __init__(self, node: str, extensions: Extensions) -> None:
        self._node = node
        self._extensions = extensions
        self._calls: dict[str, Call] = {}
        self._channels: dict[str, Channel] = {}
        self._bridges: dict[str, set[str]] = {}
        self._technical: dict[str, str] = {}
        self._by_id: dict[str, str] = {}
        self._by_extension: dict[str, dict[str, None]] = {}
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

    # --- reading ---

    def calls(self) -> Iterable[Call]:
        return self._calls.values()

    def call(self, call_id: str) -> Call | None:
        linkedid = self._by_id.get(call_id)
        return self._calls[linkedid] if linkedid else None

    def calls_of(self, extension: str) -> list[Call]:
        """The calls in which this extension has a leg, in the order in which they began."""
        return [self._calls[linkedid] for linkedid in self._by_extension.get(extension, ())]

    def channel(self, uniqueid: str) -> Channel | None:
        return self._channels.get(uniqueid)

    def bridge_members(self, bridge: str) -> frozenset[str]:
        """Uniqueids of all channels in a bridge, Local and Snoop channels too."""
        return frozenset(self._bridges.get(bridge, ()))

    def take_touched(self) -> set[str]:
        """Ids of the calls that have changes to be remembered since this was asked last."""
        touched, self._touched = self._touched, set()
        return touched

    # --- folding ---

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
            self._calls[call.linkedid] = call
            self._by_id[call.id] = call.linkedid
            for channel in call.channels.values():
                channel.bridge = None
                self._channels[channel.uniqueid] = channel
                self._index(channel)

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
            key=lambda row: _order(row["Uniqueid"]),
        )
        there = {row["Uniqueid"] for row in live} | (overtaken.seen - overtaken.ended)
        changes = []
        for uniqueid in [u for u in self._channels if u not in there]:
            changes += self._drop(uniqueid, None, now)
        for uniqueid in [u for u in self._technical if u not in there]:
            self._forget_technical(uniqueid)
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
        channel = self._channels.get(event["Uniqueid"])
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
        channel = self._channels.get(event.get("DestUniqueid", ""))
        if channel is not None and event.get("DialStatus") == "RINGING":
            channel.ringing = channel.ringing or now
        return []

    def _dial_end(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        status = event.get("DialStatus", "")
        channel = self._channels.get(event.get("DestUniqueid", ""))
        if channel is not None:
            channel.dial_status = status
        caller = self._channels.get(event.get("Uniqueid", ""))
        if caller is not None:
            caller.outcomes.append(status)
        return []

    def _bridge_enter(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        channel = self._known(event, now)
        self._enter(event["Uniqueid"], event["BridgeUniqueid"])
        return self._take_state(channel, now) if channel else []

    def _bridge_leave(self, event: AmiEvent, now: datetime) -> list[CallChange]:
        self._leave(event["Uniqueid"], event["BridgeUniqueid"])
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
        uniqueid = event["Uniqueid"]
        self._forget_technical(uniqueid)
        cause = event.get("Cause", "")
        return self._drop(uniqueid, int(cause) if cause.isdigit() else None, now)

    # --- channels ---

    def _known(self, event: AmiEvent, now: datetime, prefix: str = "") -> Channel | None:
        """The channel that the event describes, brought up to date; None for a technical one."""
        uniqueid, name = event[f"{prefix}Uniqueid"], event[f"{prefix}Channel"]
        if name.startswith(_TECHNICAL):
            self._technical[uniqueid] = name
            return None
        state = int(event[f"{prefix}ChannelState"])
        channel = self._channels.get(uniqueid)
        if channel is None:
            channel = self._join(uniqueid, name, event[f"{prefix}Linkedid"], now)
            exten = event.get(f"{prefix}Exten", "")
            channel.originator = state == ChannelState.RING or exten not in _NOT_A_NUMBER
            if not channel.originator:
                channel.dialled_by = self._first_originator(channel.linkedid)
        elif channel.linkedid != event[f"{prefix}Linkedid"]:
            self._move(channel, event[f"{prefix}Linkedid"], now)
        if channel.originator and not channel.dialled:
            exten = event.get(f"{prefix}Exten", "")
            channel.dialled = "" if exten in _NOT_A_NUMBER else exten
        channel.state = state
        channel.caller_number = _given(event.get(f"{prefix}CallerIDNum", ""))
        channel.caller_name = _given(event.get(f"{prefix}CallerIDName", ""))
        channel.connected_number = _given(event.get(f"{prefix}ConnectedLineNum", ""))
        channel.connected_name = _given(event.get(f"{prefix}ConnectedLineName", ""))
        return channel

    def _join(self, uniqueid: str, name: str, linkedid: str, now: datetime) -> Channel:
        call = self._call_of(linkedid, now)
        call.views_used += 1
        channel = Channel(
            uniqueid=uniqueid,
            name=name,
            linkedid=linkedid,
            originator=False,
            view=call.views_used,
            started=now,
            extension=self._extensions.of_channel(name),
        )
        call.channels[uniqueid] = channel
        self._channels[uniqueid] = channel
        self._index(channel)
        return channel

    def _move(self, channel: Channel, linkedid: str, now: datetime) -> None:
        self._touched.add(self._calls[channel.linkedid].id)
        self._remove_from_call(channel)
        call = self._call_of(linkedid, now)
        self._touched.add(call.id)
        call.views_used += 1
        channel.linkedid, channel.view = linkedid, call.views_used
        call.channels[channel.uniqueid] = channel
        self._index(channel)

    def _call_of(self, linkedid: str, now: datetime) -> Call:
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

    def _enter(self, uniqueid: str, bridge: str) -> None:
        self._bridges.setdefault(bridge, set()).add(uniqueid)
        channel = self._channels.get(uniqueid)
        if channel is not None:
            channel.bridge = bridge

    def _leave(self, uniqueid: str, bridge: str) -> None:
        members = self._bridges.get(bridge)
        if members is not None:
            members.discard(uniqueid)
            if not members:
                del self._bridges[bridge]
        channel = self._channels.get(uniqueid)
        if channel is not None and channel.bridge == bridge:
            channel.bridge = None

    def _rebridge(self, uniqueid: str, bridge: str) -> None:
        for former in [b for b, members in self._bridges.items() if uniqueid in members]:
            if former != bridge:
                self._leave(uniqueid, former)
        if bridge:
            self._enter(uniqueid, bridge)

    def _forget_technical(self, uniqueid: str) -> None:
        if self._technical.pop(uniqueid, None) is not None:
            self._rebridge(uniqueid, "")

    def _drop(self, uniqueid: str, cause: int | None, now: datetime) -> list[CallChange]:
        channel = self._channels.get(uniqueid)
        if channel is None:
            return []
        if channel.bridge is not None:
            self._leave(uniqueid, channel.bridge)
        changes = []
        if channel.announced:
            status = hangup_status(channel, cause)
            changes.append(self._change(ChangeKind.HANGUP, channel, status, now))
        del self._channels[uniqueid]
        self._remove_from_call(channel)
        return changes

    def _adopt(self, row: AmiEvent, now: datetime, overtaken: "_Snapshot") -> list[CallChange]:
        """Bring one channel up to what a CoreShowChannel event says of it."""
        uniqueid = row["Uniqueid"]
        unseen = uniqueid not in self._channels
        newer = None if unseen or uniqueid not in overtaken.seen else self._channels[uniqueid]
        channel = newer or self._known(row, now)
        if uniqueid not in overtaken.rebridged:
            self._rebridge(uniqueid, row.get("BridgeId", ""))
        if channel is None:
            return []
        if unseen:
            channel.started = now - _duration(row.get("Duration", ""))
            channel.originator = row.get("Application") not in _DIALLED_BY_PBX
            call = self._calls[channel.linkedid]
            call.published = min(call.published, channel.started)
            if not channel.originator:
                channel.dialled = ""
                channel.dialled_by = self._first_originator(channel.linkedid)
        return [*self._announce_originator(channel, now), *self._take_state(channel, now)]

    def _first_originator(self, linkedid: str) -> str | None:
        """Who dialled, as long as no DialBegin tells: it may come late, or name a Local channel."""
        channels = self._calls[linkedid].channels.values()
        return next((channel.uniqueid for channel in channels if channel.originator), None)

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
            caller = self._channels.get(channel.dialled_by or "")
            if caller is not None:
                caller.answered_by = channel.extension or ""
            changes.append(self._change(ChangeKind.ANSWER, channel, CallStatus.ANSWER, now))
        return changes

    def _change(
        self, kind: ChangeKind, channel: Channel, status: CallStatus, now: datetime
    ) -> CallChange:
        if kind is not ChangeKind.HANGUP:
            channel.parties = self._parties(channel)
        call_id = self._calls[channel.linkedid].id
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
        caller = channel if channel.originator else self._channels.get(channel.dialled_by or "")
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


def _given(text: str) -> str:
    return "" if text == "<unknown>" else text


def _order(uniqueid: str) -> tuple[int, int]:
    seconds, _, count = uniqueid.rpartition("-")[2].partition(".")
    return (int(seconds), int(count)) if seconds.isdigit() and count.isdigit() else (0, 0)


def _duration(text: str) -> timedelta:
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return timedelta()
    hours, minutes, seconds = map(int, parts)
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
