"""Setting right what is known, by lists that the PBX gave: what was missed, and what is over."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from daemon.calls.ami_fields import (
    AmiEvent,
    age_order,
    device_of,
    duration,
    is_dialled,
    is_holding,
    number,
)
from daemon.calls.changes import Changes
from daemon.calls.index import LiveIndex
from daemon.calls.legs import Legs
from daemon.calls.model import Seen
from daemon.calls.visits import Visits

# What tells that a channel has come into or left a queue, a conference or an IVR.
_MOVES = frozenset(
    {
        *("Newexten", "QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon"),
        *("AgentConnect", "AgentComplete", "ConfbridgeJoin", "ConfbridgeLeave"),
    }
)


@dataclass(frozen=True, slots=True)
class Listing:
    """What the PBX answered when it was asked for all there is, as events of AMI's lists.

    ``channels`` are CoreShowChannel, ``bridges`` BridgeListItem and ``devices`` the
    DeviceStateChange events of DeviceStateList.
    """

    channels: Sequence[AmiEvent]
    bridges: Sequence[AmiEvent] = ()
    devices: Sequence[AmiEvent] = ()


class Overtaken:
    """What events said while a snapshot was on its way: they are newer than its rows."""

    def __init__(self) -> None:
        self.begun: set[str] = set()
        self.seen: set[str] = set()
        self.moved: set[str] = set()
        self.rebridged: set[str] = set()

    def note(self, event: AmiEvent) -> None:
        self.seen.update(filter(None, (event.get("Uniqueid"), event.get("DestUniqueid"))))
        if event["Event"] == "Newchannel":
            self.begun.add(event["Uniqueid"])
        if event["Event"] in _MOVES:
            self.moved.add(event.get("Uniqueid", ""))
        if event["Event"] in ("BridgeEnter", "BridgeLeave"):
            self.rebridged.add(event["Uniqueid"])


class Snapshot:
    """One comparison of what is known with what the PBX listed."""

    def __init__(
        self, live: LiveIndex, legs: Legs, visits: Visits, changes: Changes, overtaken: Overtaken
    ) -> None:
        self._live = live
        self._legs = legs
        self._visits = visits
        self._changes = changes
        self._overtaken = overtaken

    def apply(self, listing: Listing, now: datetime) -> None:
        overtaken = self._overtaken
        holding = {row["BridgeUniqueid"] for row in listing.bridges if is_holding(row)}
        rows = sorted(listing.channels, key=lambda row: age_order(row["Uniqueid"]))
        there = {row["Uniqueid"] for row in rows} | overtaken.begun
        unmoved = [row for row in rows if row["Uniqueid"] not in overtaken.moved]
        with self._changes.seen_as(Seen.RECONSTRUCTED):
            for uniqueid in self._live.uniqueids():
                if uniqueid not in there:
                    self._visits.gone(uniqueid, now)
                    self._legs.drop(uniqueid, None, now)
            self._visits.end_all_but(unmoved, now)
        with self._changes.seen_as(Seen.LATE):
            for row in rows:
                self._adopt(row, holding, now)
            self._visits.begin(unmoved, now)
        self._compare_phone_holds(listing.devices, now)

    def _adopt(self, row: AmiEvent, holding: set[str], now: datetime) -> None:
        """Bring one channel up to what its row says of it."""
        uniqueid = row["Uniqueid"]
        before = self._live.channel(uniqueid)
        overtook = before is not None and uniqueid in self._overtaken.seen
        channel = before if overtook else self._legs.adopt(row, now)
        if uniqueid not in self._overtaken.rebridged:
            bridge = row.get("BridgeId", "")
            if bridge and bridge not in holding:
                self._live.enter(uniqueid, bridge)
            else:
                self._live.leave(uniqueid)
            if channel is not None and bridge not in holding:
                channel.parked = None
        if channel is None:
            return
        if channel.originator is None:
            channel.started = now - duration(row.get("Duration", ""))
            call = self._live.call_of(channel)
            call.published = min(call.published, channel.started)
            self._legs.settle_origin(
                channel, number(row.get("Exten", "")), placed_by_pbx=is_dialled(row)
            )
        self._legs.catch_up(channel, now)

    def _compare_phone_holds(self, devices: Iterable[AmiEvent], now: datetime) -> None:
        """No list tells of a phone's hold; but the phone that it holds is ONHOLD, as a device.

        With several channels of one phone that does not tell which of them is held.
        """
        on_hold = {row["Device"]: row["State"] == "ONHOLD" for row in devices}
        channels = [leg for call in self._live.calls() for leg in call.channels.values()]
        lines = Counter(device_of(leg.name) for leg in channels)
        for channel in channels:
            peer = self._live.peer(channel.uniqueid)
            device = device_of(peer.name) if peer else ""
            if lines[device] != 1 or device not in on_hold:
                continue
            if channel.uniqueid not in self._overtaken.seen:
                since = channel.held_since or now
                channel.held_since = since if on_hold[device] else None
