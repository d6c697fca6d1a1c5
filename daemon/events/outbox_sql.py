"""The deliveries in the store, as SQL: written with the call change, before any HTTP.

What waits for one PhoneCallEvent and call is a chain, and only its head has a ``next_attempt``:
so an app sees each call in order. The PhoneCallEvent is a lane, whose ``wake_at`` is the earliest
``next_attempt`` of its chains (NULL while it is disabled or nothing waits); and the lanes of one
origin, the server that their URLs lead to, are found by it. So what to send next is found in a few
steps however much waits, for this server or for others.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database

from daemon.calls.model import CallChange, Seen
from daemon.events.deliveries import Delivery, DeliveryState, Gone, Settlement
from daemon.events.lanes import wake_lanes, wake_lanes_of_type
from daemon.events.matching import event_type, parameters
from daemon.events.phone_call_events import EventType, Method

# Ids grow with time, so that the index on them grows at its end and not everywhere.
_INSERT = """
    INSERT INTO deliveries
        (webhook_id, event, call, parameters, seen, created, queued, state, attempts, next_attempt)
    SELECT printf('msg_%012x', :now * 1000) || lower(hex(randomblob(10))),
           e.id, :call, :parameters, :seen, :now, :now, 'pending', 0,
           CASE WHEN EXISTS (SELECT 1 FROM deliveries d
                             WHERE d.event = e.id AND d.call = :call AND d.ended IS NULL)
           THEN NULL ELSE :now + :wait END
    FROM phone_call_events e
    WHERE e.extension = :extension AND e.type = :type AND e.status = 1
"""

_KEEP_CALL = """
    INSERT INTO live_calls (id, document) VALUES (?, ?)
    ON CONFLICT (id) DO UPDATE SET document = excluded.document
"""


def record(
    db: Database,
    changes: Iterable[CallChange],
    documents: Mapping[str, str | None],
    now: float,
    wait: float = 0.0,
) -> set[str]:
    """Write a delivery for each change and each enabled PhoneCallEvent of it, and the calls.

    ``documents`` has the calls as they now are, as JSON by id, None for one that has ended. The
    first attempt is due ``wait`` seconds from now. Returns the origins that have something to do.
    """
    origins = set()
    for change in changes:
        if change.extension is None:
            continue
        type = event_type(change)
        values = {
            "extension": change.extension,
            "type": int(type),
            "call": change.call_id,
            "parameters": json.dumps(parameters(change)),
            "seen": change.seen,
            "now": now,
            "wait": wait,
        }
        if db.execute(_INSERT, values).rowcount:
            origins |= wake_lanes_of_type(db, change.extension, type)
    keep_calls(db, documents)
    return origins


def keep_calls(db: Database, documents: Mapping[str, str | None]) -> None:
    """Write the calls as they now are, as JSON by id, None for one that has ended."""
    for call_id, document in documents.items():
        if document is None:
            db.execute("DELETE FROM live_calls WHERE id = ?", [call_id])
        else:
            db.execute(_KEEP_CALL, [call_id, document])


# CROSS JOIN keeps the order of the loops: lanes by age, of each its heads by age.
_DUE = """
    SELECT d.webhook_id, d.parameters, d.seen, d.queued, d.attempts,
           e.id, e.type, e.extension, e.url, e.method, a.secret,
           CASE WHEN a.previous_until > :now THEN a.previous_secret END
    FROM phone_call_events e CROSS JOIN deliveries d ON d.event = e.id
         LEFT JOIN apps a ON a.id = e.app
    WHERE e.origin = :origin AND e.wake_at <= :now
      AND d.next_attempt <= :now
      AND d.webhook_id NOT IN (SELECT value FROM json_each(:without))
    ORDER BY e.wake_at LIMIT :limit
"""

# Of a lane that is due already, all that is due is on its way, and something else comes next.
_NEXT_DUE = """
    SELECT min(at) FROM (
        SELECT min(wake_at) AS at FROM phone_call_events WHERE origin = :origin AND wake_at > :now
        UNION ALL
        SELECT (SELECT min(next_attempt) FROM deliveries
                WHERE event = e.id AND next_attempt > :now)
        FROM phone_call_events e WHERE e.origin = :origin AND e.wake_at <= :now)
"""


def due(
    db: Database, origin: str, now: float, without: Collection[str], limit: int
) -> tuple[list[Delivery], float | None]:
    """What is to be sent to this origin now, and when more will be.

    ``without`` are the webhook ids of those that are on their way. The time is ``now`` if there
    may be more than ``limit``, None if nothing else waits.
    """
    values = {"origin": origin, "now": now, "without": json.dumps(list(without)), "limit": limit}
    found = [_delivery(row) for row in db.execute(_DUE, values)]
    if len(found) == limit:
        return found, now
    (at,) = db.execute(_NEXT_DUE, {"origin": origin, "now": now}).fetchone()
    return found, at


def _delivery(row: Sequence[Any]) -> Delivery:
    webhook_id, parameters, seen, queued, attempts, *of_event, secret, previous = row
    event, type, extension, url, method = of_event
    return Delivery(
        webhook_id=webhook_id,
        event=event,
        type=EventType(type),
        extension=extension,
        url=url,
        method=Method(method),
        parameters=json.loads(parameters),
        seen=Seen(seen),
        queued=float(queued),
        attempts=int(attempts),
        secrets=tuple(each for each in (secret, previous) if each is not None),
    )


_SETTLE = """
    UPDATE deliveries
    SET state = :state, attempts = attempts + 1, next_attempt = :next, ended = :ended
    WHERE webhook_id = :webhook_id RETURNING seq
"""

_NOTE_ATTEMPT = """
    INSERT INTO attempts
    SELECT :seq, 1 + coalesce(max(number), 0), :at, :seconds, :outcome, :reason, :excerpt
    FROM attempts WHERE delivery = :seq
"""

_PROMOTE = """
    UPDATE deliveries SET next_attempt = :now
    WHERE next_attempt IS NULL AND seq = (
        SELECT min(seq) FROM deliveries WHERE event = :event AND call = :call AND ended IS NULL)
"""


def settle(db: Database, settlements: Iterable[Settlement], now: float) -> dict[str, float | None]:
    """Write down attempts, and let what waited behind those that have ended go on.

    Returns for each origin the Unix time of its next attempt, None if nothing waits. A delivery
    that was deleted meanwhile stays so.
    """
    lanes = set()
    for settlement in settlements:
        delivery, outcome = settlement.delivery, settlement.outcome
        ended = settlement.state in (DeliveryState.DELIVERED, DeliveryState.DEAD)
        values = {
            "webhook_id": delivery.webhook_id,
            "state": settlement.state,
            "next": settlement.next_attempt,
            "ended": now if ended else None,
        }
        row = db.execute(_SETTLE, values).fetchone()
        if row is None:
            continue
        attempt = {
            "seq": row[0],
            "at": settlement.at,
            "seconds": settlement.seconds,
            "outcome": outcome.kind,
            "reason": outcome.reason,
            "excerpt": outcome.excerpt,
        }
        db.execute(_NOTE_ATTEMPT, attempt)
        if isinstance(outcome, Gone):
            disable(db, delivery.event, datetime.fromtimestamp(now, UTC).isoformat())
        if ended:
            promote(db, delivery.event, delivery.parameters["CallAPIID"], now)
        lanes.add(delivery.event)
    return wake_lanes(db, lanes)


def disable(db: Database, event: str, modified: str) -> None:
    """Set a PhoneCallEvent, given by its id, to disabled; the lane is to be woken then."""
    db.execute(
        "UPDATE phone_call_events SET status = 0, modified = ? WHERE id = ?", [modified, event]
    )


def promote(db: Database, event: str, call: str, now: float) -> None:
    """Make the first of what waits in this chain its head; the lane is to be woken then."""
    db.execute(_PROMOTE, {"event": event, "call": call, "now": now})


def live_call_documents(db: Database) -> list[str]:
    """The calls that were live when the daemon last wrote, as JSON."""
    return [row["document"] for row in db.query("SELECT document FROM live_calls")]
