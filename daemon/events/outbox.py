"""The deliveries in the store: written with the call change, before any HTTP.

A delivery waits until every earlier one of the same PhoneCallEvent and call has its end, so that
an app sees each call in order. While its PhoneCallEvent is disabled it waits too.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlite_utils import Database

from daemon.calls.model import Seen
from daemon.events.matching import Notice, parameters
from daemon.events.phone_call_events import EventType, Method, Status


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One pending delivery as it is to be sent now; ``attempts`` were made before."""

    seq: int
    webhook_id: str
    type: EventType
    url: str
    method: Method
    parameters: dict[str, str]
    seen: Seen
    attempts: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended; ``next_attempt`` is a Unix time, None when there is none."""

    seq: int
    state: DeliveryState
    attempts: int
    next_attempt: float | None
    text: str


# A PhoneCallEvent that was deleted since the change was matched is told of nothing more.
_INSERT_DELIVERY = """
    INSERT INTO deliveries
        (webhook_id, event, call, parameters, seen, created, state, attempts, next_attempt, outcome)
    SELECT :webhook_id, :event, :call, :parameters, :seen, :now, :state, 0, :now, ''
    WHERE EXISTS (SELECT 1 FROM phone_call_events WHERE id = :event)
"""

_KEEP_CALL = """
    INSERT INTO live_calls (id, document) VALUES (?, ?)
    ON CONFLICT (id) DO UPDATE SET document = excluded.document
"""


def record(
    db: Database, notices: Iterable[Notice], documents: Mapping[str, str | None], now: float
) -> int:
    """Write a delivery for each notice, and the calls as they now are.

    ``documents`` has the call as JSON by id, None for one that has ended. Returns the number of
    deliveries.
    """
    count = 0
    for notice in notices:
        values = {
            "webhook_id": f"msg_{uuid.uuid4().hex}",
            "event": notice.event,
            "call": notice.change.call_id,
            "parameters": json.dumps(parameters(notice.change)),
            "seen": notice.change.seen,
            "now": now,
            "state": DeliveryState.PENDING,
        }
        count += db.execute(_INSERT_DELIVERY, values).rowcount
    for call_id, document in documents.items():
        if document is None:
            db.execute("DELETE FROM live_calls WHERE id = ?", [call_id])
        else:
            db.execute(_KEEP_CALL, [call_id, document])
    return count


_DUE = """
    SELECT d.seq, d.webhook_id, d.parameters, d.seen, d.attempts, e.type, e.url, e.method
    FROM deliveries d JOIN phone_call_events e ON e.id = d.event
    WHERE d.state = :pending AND d.next_attempt <= :now AND e.status = :enabled
      AND d.seq NOT IN (SELECT value FROM json_each(:in_flight))
      AND NOT EXISTS (
        SELECT 1 FROM deliveries earlier
        WHERE earlier.event = d.event AND earlier.call = d.call
          AND earlier.state = :pending AND earlier.seq < d.seq)
    ORDER BY d.next_attempt, d.seq LIMIT :limit
"""

_NEXT = """
    SELECT min(d.next_attempt) AS next
    FROM deliveries d JOIN phone_call_events e ON e.id = d.event
    WHERE d.state = :pending AND d.next_attempt > :now AND e.status = :enabled
"""


def due(db: Database, now: float, in_flight: Iterable[int], limit: int) -> list[Delivery]:
    """What is to be sent now, longest waiting first, without those that are on their way."""
    values = {
        "pending": DeliveryState.PENDING,
        "enabled": int(Status.ENABLED),
        "now": now,
        "in_flight": json.dumps(list(in_flight)),
        "limit": limit,
    }
    return [
        Delivery(
            seq=row["seq"],
            webhook_id=row["webhook_id"],
            type=EventType(row["type"]),
            url=row["url"],
            method=Method(row["method"]),
            parameters=json.loads(row["parameters"]),
            seen=Seen(row["seen"]),
            attempts=row["attempts"],
        )
        for row in db.query(_DUE, values)
    ]


def next_due(db: Database, now: float) -> float | None:
    """Unix time of the next attempt that is not due yet, None if nothing waits."""
    values = {"pending": DeliveryState.PENDING, "enabled": int(Status.ENABLED), "now": now}
    (row,) = db.query(_NEXT, values)
    return float(row["next"]) if row["next"] is not None else None


def settle(db: Database, outcome: Outcome, now: float) -> None:
    """Write down how an attempt ended. A delivery that was deleted meanwhile stays so."""
    ended = None if outcome.state is DeliveryState.PENDING else now
    db.execute(
        "UPDATE deliveries SET state = ?, attempts = ?, next_attempt = ?, ended = ?, outcome = ?"
        " WHERE seq = ?",
        [outcome.state, outcome.attempts, outcome.next_attempt, ended, outcome.text, outcome.seq],
    )


def purge(db: Database, ended_before: float) -> None:
    """Forget what was delivered or given up before this time."""
    db.execute("DELETE FROM deliveries WHERE ended < ?", [ended_before])


def live_call_documents(db: Database) -> list[str]:
    """The calls that were live when the daemon last wrote, as JSON."""
    return [row["document"] for row in db.query("SELECT document FROM live_calls")]
