"""Which deliveries are meant, by state, extension, PhoneCallEvent and time, found by the indexes.

A selection is cut into slices. Each slice is a stretch of one index in the order of ``seq``, that
in which deliveries were written, so that a few of a million are found in a few steps from either
end or from any place between. Only the pending and the delivered ones of one PhoneCallEvent have
no index to themselves, as that would slow down each delivery: they are picked out of all of its.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from daemon.events.deliveries import DeliveryState

MISSED = frozenset({DeliveryState.FAILED, DeliveryState.DEAD})


@dataclass(frozen=True, slots=True)
class Selection:
    """What fulfils all of it; None is no condition. ``event`` is the id of a PhoneCallEvent.

    ``since`` (included) and ``until`` (not included) are of the time when its event came, as Unix
    times. An extension has the deliveries of the PhoneCallEvents that it has now.
    """

    states: frozenset[DeliveryState] = frozenset(DeliveryState)
    extension: str | None = None
    event: str | None = None
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """Some rows of ``deliveries``: a FROM with its WHERE, and the values of that."""

    clause: str
    values: tuple[object, ...]

    def seqs(
        self, db: Database, limit: int, newest_first: bool = False, after: int = 0
    ) -> list[int]:
        """At most so many from the newest on, or from the oldest on that comes ``after``."""
        order = "DESC" if newest_first else "ASC"
        sql = f"SELECT seq {self.clause} AND seq > ? ORDER BY seq {order} LIMIT ?"
        return [seq for (seq,) in db.execute(sql, [*self.values, after, limit])]

    def count(self, db: Database, limit: int = -1) -> int:
        """How many there are; no more than the limit, if there is one, are counted."""
        sql = f"SELECT count(*) FROM (SELECT 1 {self.clause} LIMIT ?)"  # noqa: S608
        (count,) = db.execute(sql, [*self.values, limit]).fetchone()
        return int(count)


ROWS_AT_ONCE = 200
"""How many are changed in one transaction, so that no delivery waits long for it."""

_ALL = frozenset(DeliveryState)
_MISSED = "state IN ('failed', 'dead')"  # the very words of the index


def slices(db: Database, selection: Selection) -> list[Slice]:
    """The selection in parts that have nothing in common."""
    times, values = _times(db, selection)
    events = _events(db, selection)
    if events is not None:
        of_event = _of_event(selection.states)
        return [
            Slice(f"FROM deliveries {clause} AND event = ?{times}", (*states, event, *values))
            for event in events
            for clause, states in of_event
        ]
    if selection.states == _ALL:
        return [Slice(f"FROM deliveries WHERE TRUE{times}", values)]
    clause = f"FROM deliveries INDEXED BY of_state WHERE state = ?{times}"
    return [Slice(clause, (state, *values)) for state in sorted(selection.states)]


def _of_event(states: frozenset[DeliveryState]) -> list[tuple[str, tuple[DeliveryState, ...]]]:
    """Where the deliveries of one PhoneCallEvent in these states are: index, condition, values."""
    if states == _ALL:
        return [("INDEXED BY of_event WHERE TRUE", ())]
    missed = sorted(states & MISSED)
    others = tuple(sorted(states - MISSED))
    found: list[tuple[str, tuple[DeliveryState, ...]]] = [
        (f"INDEXED BY missed WHERE {_MISSED} AND state = ?", (state,)) for state in missed
    ]
    if others:
        places = ", ".join("?" * len(others))
        found.append((f"INDEXED BY of_event WHERE state IN ({places})", others))
    return found


def walk(db: Database, selection: Selection, limit: int = ROWS_AT_ONCE) -> Iterator[list[int]]:
    """All of the selection in portions, of each slice the oldest first."""
    for part in slices(db, selection):
        after = 0
        while seqs := part.seqs(db, limit, after=after):
            yield seqs
            after = seqs[-1]


def count(db: Database, selection: Selection) -> int:
    """How many there are. Counts them one by one: not to be used in the daemon."""
    return sum(part.count(db) for part in slices(db, selection))


def _events(db: Database, selection: Selection) -> Sequence[str] | None:
    if selection.extension is None:
        return None if selection.event is None else [selection.event]
    sql = "SELECT id FROM phone_call_events WHERE extension = ?"
    found = [id for (id,) in db.execute(sql, [selection.extension])]
    return [id for id in found if selection.event in (None, id)]


def _times(db: Database, selection: Selection) -> tuple[str, tuple[object, ...]]:
    """The bounds as bounds of ``seq``, which every index has, and as they are."""
    clause = ""
    values: list[object] = []
    for sign, time in ((">=", selection.since), ("<", selection.until)):
        if time is not None:
            clause += f" AND seq {sign} ? AND created {sign} ?"
            values += [_first_seq(db, time), time]
    return clause, tuple(values)


def _first_seq(db: Database, time: float) -> int:
    """The first of those that came at this time or later, found by halving.

    They are written as they come, so ``created`` grows with ``seq``. Where somebody has set the
    clock back, deliveries of the hours that came twice may be missed.
    """
    # Two look-ups: min and max in one query would read the whole table.
    (low,) = db.execute("SELECT coalesce(min(seq), 0) FROM deliveries").fetchone()
    (high,) = db.execute("SELECT coalesce(max(seq) + 1, 0) FROM deliveries").fetchone()
    while low < high:
        middle = (low + high) // 2
        probe = "SELECT seq, created FROM deliveries WHERE seq >= ? ORDER BY seq LIMIT 1"
        seq, created = db.execute(probe, [middle]).fetchone()
        if created < time:
            low = seq + 1
        else:
            high = middle
    return int(low)
