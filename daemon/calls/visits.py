"""Who is in which queue, conference and IVR: each stay is a leg of that extension.

A queue is joined and left by its events. QueueCallerAbandon comes for callers who hang up and for
those whose time is over, so that only a hang-up that was asked for before tells them apart. After
QueueCallerLeave alone AgentConnect comes next, or else the queue was left without success.
A conference answers at once. An IVR is a context of the dialplan: the leg begins when a channel is
first seen in it and ends when it is seen elsewhere.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from daemon.calls.ami_fields import AmiEvent
from daemon.calls.changes import Changes
from daemon.calls.index import LiveIndex
from daemon.calls.model import CallStatus, ChannelState, Room, Visit


class Rooms(Protocol):
    """What the directory knows of queues, conferences and IVRs: their extension's number."""

    def of_queue(self, name: str) -> str | None: ...

    def of_conference(self, name: str) -> str | None: ...

    def of_context(self, context: str) -> str | None: ...


class Visits:
    """Follows every channel through the rooms; what happens goes to ``changes``."""

    def __init__(self, live: LiveIndex, changes: Changes, rooms: Rooms) -> None:
        self._live = live
        self._changes = changes
        self._rooms = rooms
        self._hanging_up: set[str] = set()

    # --- events ---

    def queue_joined(self, event: AmiEvent, now: datetime) -> None:
        extension = self._rooms.of_queue(event["Queue"])
        if extension is not None:
            self._come(Room.QUEUE, event, extension, now, answered=False)

    def queue_abandoned(self, event: AmiEvent, now: datetime) -> None:
        visit = self._in_queue(event)
        if visit is not None:
            gave_up = visit.uniqueid in self._hanging_up
            status = CallStatus.CANCEL if gave_up else CallStatus.NOANSWER
            self._changes.visit_ended(visit, status, now)

    def queue_left(self, event: AmiEvent, now: datetime) -> None:
        visit = self._in_queue(event)
        if visit is not None:
            visit.left = True

    def agent_connected(self, event: AmiEvent, now: datetime) -> None:
        extension = self._rooms.of_queue(event["Queue"])
        if extension is not None:
            self._come(Room.QUEUE, event, extension, now, answered=True)

    def agent_completed(self, event: AmiEvent, now: datetime) -> None:
        visit = self._in_queue(event)
        if visit is not None:
            self._changes.visit_ended(visit, CallStatus.ANSWER, now)

    def conference_joined(self, event: AmiEvent, now: datetime) -> None:
        extension = self._rooms.of_conference(event["Conference"])
        if extension is not None:
            self._come(Room.CONFERENCE, event, extension, now, answered=True)

    def conference_left(self, event: AmiEvent, now: datetime) -> None:
        extension = self._rooms.of_conference(event["Conference"])
        visit = self._visit(event["Uniqueid"], Room.CONFERENCE, extension)
        if visit is not None:
            self._changes.visit_ended(visit, CallStatus.ANSWER, now)

    def hangup_requested(self, event: AmiEvent, now: datetime) -> None:
        if self._live.visits_of(event["Uniqueid"]):
            self._hanging_up.add(event["Uniqueid"])

    def seen(self, event: AmiEvent, now: datetime) -> None:
        """Look at any event of a channel: where in the dialplan it is."""
        uniqueid = event["Uniqueid"]
        for visit in self._live.visits_of(uniqueid):
            if visit.left and not visit.answered:
                self._changes.visit_ended(visit, CallStatus.NOANSWER, now)
        if event.get("Exten"):
            self._in_context(event, now)

    def gone(self, uniqueid: str, now: datetime) -> None:
        """The channel has ended, and with it all its visits, the innermost first."""
        self._hanging_up.discard(uniqueid)
        for visit in reversed(self._live.visits_of(uniqueid)):
            status = CallStatus.NOANSWER if visit.left else CallStatus.CANCEL
            self._changes.visit_ended(visit, status, now)

    # --- snapshots ---

    def events_were_lost(self) -> None:
        """The next event of a channel that left a queue need not be the one that came next."""
        for visit in self._live.visits():
            visit.left = False

    def end_all_but(self, rows: Iterable[AmiEvent], now: datetime) -> None:
        """End the visits that are not in the CoreShowChannel event of their channel any more."""
        there = {row["Uniqueid"]: self._rooms_in(row) for row in rows}
        for visit in self._live.visits():
            rooms = there.get(visit.uniqueid)
            if rooms is not None and (visit.room, visit.extension) not in rooms:
                self._changes.visit_ended(visit, CallStatus.NOANSWER, now)

    def begin(self, rows: Iterable[AmiEvent], now: datetime) -> None:
        """Begin the visits that CoreShowChannel events tell of."""
        for row in rows:
            for (room, extension), answered in self._rooms_in(row).items():
                self._come(room, row, extension, now, answered=answered)

    def _rooms_in(self, row: AmiEvent) -> dict[tuple[Room, str], bool]:
        """Where a channel is, and whether it was answered there."""
        found: dict[tuple[Room, str | None], bool] = {}
        if row.get("Exten"):
            context = self._rooms.of_context(row.get("Context", ""))
            found[Room.IVR, context] = _is_up(row)
        name = row.get("ApplicationData", "").partition(",")[0]
        if row.get("Application") == "Queue":
            found[Room.QUEUE, self._rooms.of_queue(name)] = bool(row.get("BridgeId"))
        elif row.get("Application") == "ConfBridge" and row.get("BridgeId"):
            # Before, while the channel is asked for its PIN or told to be alone, it has not joined.
            found[Room.CONFERENCE, self._rooms.of_conference(name)] = True
        return {
            (room, extension): answered
            for (room, extension), answered in found.items()
            if extension is not None
        }

    # --- small things ---

    def _in_context(self, event: AmiEvent, now: datetime) -> None:
        uniqueid = event["Uniqueid"]
        extension = self._rooms.of_context(event.get("Context", ""))
        for visit in self._live.visits_of(uniqueid):
            if visit.room is Room.IVR and visit.extension != extension:
                self._changes.visit_ended(visit, CallStatus.NOANSWER, now)
        if extension is not None:
            self._come(Room.IVR, event, extension, now, answered=_is_up(event))

    def _come(
        self, room: Room, event: AmiEvent, extension: str, now: datetime, *, answered: bool
    ) -> None:
        """The channel is there, perhaps since long ago."""
        uniqueid = event["Uniqueid"]
        if self._live.has_ended(uniqueid):
            return
        visit = self._visit(uniqueid, room, extension)
        if visit is None:
            linkedid = event["Linkedid"]
            visit = self._changes.visit_began(room, uniqueid, linkedid, extension, now)
        if answered:
            self._changes.visit_answered(visit, now)

    def _visit(self, uniqueid: str, room: Room, extension: str | None) -> Visit | None:
        return next(
            (
                visit
                for visit in self._live.visits_of(uniqueid)
                if visit.room is room and visit.extension == extension
            ),
            None,
        )

    def _in_queue(self, event: AmiEvent) -> Visit | None:
        # Asterisk 16 has sent AgentComplete without its channels; Hangup ends such a visit.
        uniqueid = event.get("Uniqueid", "")
        return self._visit(uniqueid, Room.QUEUE, self._rooms.of_queue(event["Queue"]))


def _is_up(event: AmiEvent) -> bool:
    return event["ChannelState"] == str(int(ChannelState.UP))
