"""What is told of the legs: Dial before Answer before Hangup, each once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from daemon.calls.index import LiveIndex
from daemon.calls.model import (
    CallChange,
    CallStatus,
    ChangeKind,
    Channel,
    Direction,
    Parties,
    Room,
    Seen,
    Visit,
)
from daemon.calls.parties import Numbers, parties_of, visitor_of


class Changes:
    """Collects CallChanges in order until they are taken.

    ``touched`` are the ids of the calls that have changed and are to be remembered.
    """

    def __init__(self, live: LiveIndex, numbers: Numbers) -> None:
        self._seen = Seen.LIVE
        self.touched: set[str] = set()
        self._live = live
        self._numbers = numbers
        self._told: list[CallChange] = []

    def take(self) -> list[CallChange]:
        """What was told since this was asked last."""
        told, self._told = self._told, []
        return told

    @contextmanager
    def seen_as(self, seen: Seen) -> Iterator[None]:
        """What is told within came to be known in this way."""
        self._seen = seen
        try:
            yield
        finally:
            self._seen = Seen.LIVE

    def touch(self, leg: Channel | Visit) -> None:
        self.touched.add(self._live.call_of(leg).id)

    # --- channels ---

    def dial(self, channel: Channel, now: datetime) -> None:
        if channel.announced:
            return
        channel.announced = True
        call = self._live.call_of(channel)
        if channel.originator and channel.extension and channel.uniqueid == call.linkedid:
            self._live.charge(call, channel.extension)
        self._tell(ChangeKind.DIAL, channel, CallStatus.CALLING, now)

    def answer(self, channel: Channel, now: datetime) -> None:
        if channel.answered is not None:
            return
        self.dial(channel, now)
        channel.answered = now
        call = self._live.call_of(channel)
        if channel.extension and call.charged_to is None:
            self._live.charge(call, channel.extension)
        self.answered_by(channel)
        self._tell(ChangeKind.ANSWER, channel, CallStatus.ANSWER, now)

    def answered_by(self, channel: Channel) -> None:
        """Its caller has reached this leg."""
        caller = self._live.channel(channel.dialled_by or "")
        if caller is not None and channel.answered is not None:
            caller.answered_by = channel.extension or ""

    def hangup(self, channel: Channel, status: CallStatus, now: datetime) -> None:
        """The leg is about to be removed. One that was never told of ends without a word."""
        self.touch(channel)
        if channel.announced:
            self._tell(ChangeKind.HANGUP, channel, status, now)

    def _tell(self, kind: ChangeKind, channel: Channel, status: CallStatus, now: datetime) -> None:
        if kind is not ChangeKind.HANGUP:
            channel.parties = parties_of(channel, self._live, self._numbers)
        self.touch(channel)
        direction = Direction.OUT if channel.originator else Direction.IN
        self._add(kind, channel, direction, status, channel.parties, now)

    # --- visits ---

    def visit_began(
        self, room: Room, uniqueid: str, linkedid: str, extension: str, now: datetime
    ) -> Visit:
        parties = visitor_of(uniqueid, extension, self._live)
        visit = self._live.begin_visit(room, uniqueid, linkedid, extension, parties, now)
        self._tell_visit(ChangeKind.DIAL, visit, CallStatus.CALLING, now)
        return visit

    def visit_answered(self, visit: Visit, now: datetime) -> None:
        if not visit.answered:
            visit.answered = True
            self._tell_visit(ChangeKind.ANSWER, visit, CallStatus.ANSWER, now)

    def visit_ended(self, visit: Visit, status: CallStatus, now: datetime) -> None:
        """``status`` is that of a visit that was not answered."""
        told = CallStatus.ANSWER if visit.answered else status
        self._tell_visit(ChangeKind.HANGUP, visit, told, now)
        self._live.end_visit(visit)

    def _tell_visit(
        self, kind: ChangeKind, visit: Visit, status: CallStatus, now: datetime
    ) -> None:
        self.touch(visit)
        self._add(kind, visit, Direction.IN, status, visit.parties, now)

    def _add(
        self,
        kind: ChangeKind,
        leg: Channel | Visit,
        direction: Direction,
        status: CallStatus,
        parties: Parties,
        now: datetime,
    ) -> None:
        self._told.append(
            CallChange(
                kind=kind,
                at=now,
                call_id=leg.call_id,
                channel=leg.leg,
                extension=leg.extension,
                direction=direction,
                status=status,
                parties=parties,
                seen=self._seen,
            )
        )
