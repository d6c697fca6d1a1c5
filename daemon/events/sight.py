"""What the outbox shows of itself: deliveries that wait or have ended, their attempts, and counts.

Nothing here takes longer because more is stored, but for the selections of one PhoneCallEvent that
selection.py names.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from sqlite_utils import Database

from daemon.calls.model import Seen
from daemon.events.deliveries import DeliveryState, OutcomeKind
from daemon.events.phone_call_events import EventType, Status
from daemon.events.selection import Selection, slices

REACHABLE = 10_000
"""How many of a PhoneCallEvent's deliveries can be paged through."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Began ``at`` (Unix time), took ``seconds``; ``excerpt`` is the begin of the app's answer."""

    number: int
    at: float
    seconds: float
    outcome: OutcomeKind
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Subscriber:
    """The PhoneCallEvent that a delivery is for, as it is now."""

    extension: str
    type: EventType
    status: Status
    url: str


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A delivery as it is now. Times are Unix times.

    ``event`` is the id of its PhoneCallEvent, ``subscriber`` None if that is deleted. ``attempts``
    were made since it was ``queued``, the first time or again. ``next_attempt`` is None when it has
    ended, waits behind another one of its call, or while its PhoneCallEvent is disabled.
    """

    webhook_id: str
    event: str
    subscriber: Subscriber | None
    call: str
    parameters: dict[str, str]
    seen: Seen
    created: float
    queued: float
    state: DeliveryState
    attempts: int
    next_attempt: float | None
    ended: float | None
    last_attempt: Attempt | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are in each state, and when the oldest that waits came (Unix time)."""

    pending: int
    failed: int
    delivered: int
    dead: int
    oldest_pending: float | None


@dataclass(frozen=True, slots=True)
class Glance:
    """What a page is picked by."""

    webhook_id: str
    state: DeliveryState
    created: float


@dataclass(frozen=True, slots=True)
class Page:
    """Some of ``total`` deliveries; that is at most REACHABLE."""

    deliveries: list[StoredDelivery]
    total: int


def find(
    db: Database, selection: Selection, newest_first: bool, limit: int
) -> list[StoredDelivery]:
    """The newest or the oldest of the selection, at most so many."""
    return _load(db, _seqs(db, selection, newest_first, limit))


def page(
    db: Database,
    selection: Selection,
    newest_first: bool,
    start: int,
    count: int,
    matches: Callable[[Glance], bool] | None = None,
) -> Page:
    """Those from place ``start`` on of the first REACHABLE of the selection.

    With ``matches`` only those of them for which it is true are counted and shown.
    """
    if matches is None:
        seqs = _seqs(db, selection, newest_first, min(start + count, REACHABLE))
        total = sum(part.count(db, REACHABLE) for part in slices(db, selection))
        return Page(_load(db, seqs[start:]), min(total, REACHABLE))
    seqs = _matching(db, _seqs(db, selection, newest_first, REACHABLE), matches)
    return Page(_load(db, seqs[start : start + count]), len(seqs))


def show(
    db: Database, webhook_id: str, event: str | None = None
) -> tuple[StoredDelivery, list[Attempt]] | None:
    """A delivery, of this PhoneCallEvent if one is given, with all its attempts, oldest first."""
    row = db.execute(_FIND, {"webhook_id": webhook_id, "event": event}).fetchone()
    if row is None:
        return None
    rows = db.query("SELECT * FROM attempts WHERE delivery = ? ORDER BY number", row)
    (delivery,) = _load(db, row)
    return delivery, [_attempt(row) for row in rows]


def counts(db: Database) -> Counts:
    """Counted as they change, and so known at once."""
    numbers = dict(db.execute("SELECT state, count FROM delivery_counts").fetchall())
    (oldest,) = db.execute(_OLDEST).fetchone()
    return Counts(**numbers, oldest_pending=oldest)


_FIND = """
    SELECT seq FROM deliveries WHERE webhook_id = :webhook_id AND (:event IS NULL OR event = :event)
"""

_OLDEST = """
    SELECT min(created) FROM deliveries WHERE seq IN (
        (SELECT min(seq) FROM deliveries WHERE state = 'pending'),
        (SELECT min(seq) FROM deliveries WHERE state = 'failed'))
"""


def _seqs(db: Database, selection: Selection, newest_first: bool, limit: int) -> list[int]:
    found = [seq for part in slices(db, selection) for seq in part.seqs(db, limit, newest_first)]
    return sorted(found, reverse=newest_first)[:limit]


def _matching(db: Database, seqs: list[int], matches: Callable[[Glance], bool]) -> list[int]:
    sql = f"SELECT seq, webhook_id, state, created FROM deliveries WHERE seq IN {_LIST}"  # noqa: S608
    rows = db.execute(sql, [json.dumps(seqs)])
    wanted = {
        seq
        for seq, webhook_id, state, created in rows
        if matches(Glance(webhook_id, DeliveryState(state), created))
    }
    return [seq for seq in seqs if seq in wanted]


_LIST = "(SELECT value FROM json_each(?))"

_LOAD = f"""
    SELECT d.*, e.extension, e.type, e.status, e.url
    FROM deliveries d LEFT JOIN phone_call_events e ON e.id = d.event
    WHERE d.seq IN {_LIST}
"""  # noqa: S608


def _load(db: Database, seqs: Collection[int]) -> list[StoredDelivery]:
    found = {row["seq"]: _delivery(row) for row in db.query(_LOAD, [json.dumps(list(seqs))])}
    return [found[seq] for seq in seqs]


def _delivery(row: dict[str, Any]) -> StoredDelivery:
    subscriber = None
    if row["extension"] is not None:
        subscriber = Subscriber(
            row["extension"], EventType(row["type"]), Status(row["status"]), row["url"]
        )
    enabled = subscriber is not None and subscriber.status is Status.ENABLED
    return StoredDelivery(
        webhook_id=row["webhook_id"],
        event=row["event"],
        subscriber=subscriber,
        call=row["call"],
        parameters=dict(parse_qsl(row["form"], keep_blank_values=True)),
        seen=Seen(row["seen"]),
        created=row["created"],
        queued=row["queued"],
        state=DeliveryState(row["state"]),
        attempts=row["attempts"],
        next_attempt=row["next_attempt"] if enabled else None,
        ended=row["ended"],
        last_attempt=_attempt({**row, "number": row["tried"]}) if row["tried"] else None,
    )


def _attempt(row: dict[str, Any]) -> Attempt:
    return Attempt(
        row["number"],
        row["at"],
        row["seconds"],
        OutcomeKind(row["outcome"]),
        row["reason"],
        row["excerpt"],
    )
