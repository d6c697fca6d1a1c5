"""Setting right what is known, by lists that the PBX gave: what was missed, and what is over."""

from collections.abc import Sequence
from datetime import datetime

from daemon.calls.ami_fields import AmiEvent, age_order, duration, is_dialled, is_holding
from daemon.calls.changes import Changes
from daemon.calls.index import LiveIndex
from daemon.calls.legs import Legs
from daemon.calls.model import Seen
from daemon.calls.visits import Visits


class Overtaken:
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

    def apply(
        self, channels: Sequence[AmiEvent], bridges: Sequence[AmiEvent], now: datetime
    ) -> None:
        """``channels`` are CoreShowChannel events, ``bridges`` BridgeListItem events."""
        overtaken = self._overtaken
        holding = {row["BridgeUniqueid"] for row in bridges if is_holding(row)}
        rows = sorted(
            (row for row in channels if row["Uniqueid"] not in overtaken.ended),
            key=lambda row: age_order(row["Uniqueid"]),
        )
        there = {row["Uniqueid"] for row in rows} | (overtaken.seen - overtaken.ended)
        unheard = [row for row in rows if row["Uniqueid"] not in overtaken.seen]
        with self._changes.seen_as(Seen.RECONSTRUCTED):
            for uniqueid in self._live.uniqueids():
                if uniqueid not in there:
                    self._visits.gone(uniqueid, now)
                    self._legs.drop(uniqueid, None, now)
            self._visits.end_all_but(unheard, now)
        with self._changes.seen_as(Seen.LATE):
            for row in rows:
                self._adopt(row, holding, now)
            self._visits.begin(unheard, now)

    def _adopt(self, row: AmiEvent, holding: set[str], now: datetime) -> None:
        """Bring one channel up to what its row says of it."""
        uniqueid = row["Uniqueid"]
        before = self._live.channel(uniqueid)
        overtook = before is not None and uniqueid in self._overtaken.seen
        channel = before if overtook else self._legs.known(row, now)
        if uniqueid not in self._overtaken.rebridged:
            bridge = row.get("BridgeId", "")
            self._live.rebridge(uniqueid, "" if bridge in holding else bridge)
        if channel is None:
            return
        if before is None:
            channel.started = now - duration(row.get("Duration", ""))
            call = self._live.call_of(channel)
            call.published = min(call.published, channel.started)
            self._legs.settle_origin(channel, placed_by_pbx=is_dialled(row))
        self._legs.advance(channel, now)
