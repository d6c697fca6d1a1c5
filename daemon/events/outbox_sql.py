"""The deliveries in the store, as SQL: written with the call change, before any HTTP.

What waits for one PhoneCallEvent and call is a chain, and only its head has a ``next_attempt``:
so an app sees each call in order. The PhoneCallEvent is a lane, whose ``wake_at`` is the earliest
``next_attempt`` of its chains (NULL while it is disabled or nothing waits); and the lanes of one
origin, the server that their URLs lead to, are found by it. So what to send next is found in a few
steps however much waits, for this server or for others.

Many rows go in and out as one JSON text: other threads work while a statement runs, and are held
up at its begin and end, and for each row that comes out of it.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database

from daemon.apps import SIGNS_ALONG
from daemon.calls.model import CallChange, Seen
from daemon.events.deliveries import Delivery, DeliveryState, Gone, Settlement
from daemon.events.lanes import wake_lanes
from daemon.events.matching import event_type, form
from daemon.events.phone_call_events import EventType, Method

# Status 1 is enabled.
_WANTED = """
    SELECT json_group_array(key) FROM json_each(?) WHERE EXISTS (
        SELECT 1 FROM phone_call_events e
        WHERE e.extension = value ->> 0 AND e.type = value ->> 1 AND e.status = 1)
"""

# Ids grow with time, so that the index on them grows at its end and not everywhere. CROSS JOIN
# keeps the order of the changes.
_INSERT = """
    WITH changes AS (
        SELECT key, value ->> 0 AS extension, value ->> 1 AS type, value ->> 2 AS call,
               value ->> 3 AS form, value ->> 4 AS seen
        FROM json_each(:changes))
    INSERT INTO deliveries
        (webhook_id, event, call, form, seen, created, queued, state, attempts, tried, next_attempt)
    SELECT printf('msg_%012x', :now * 1000) || lower(hex(randomblob(10))),
           e.id, c.call, c.form, c.seen, :now, :now, 'pending', 0, 0,
           CASE WHEN row_number() OVER (PARTITION BY e.id, c.call ORDER BY c.key) = 1
                     AND NOT EXISTS (SELECT 1 FROM deliveries d
                                     WHERE d.event = e.id AND d.call = c.call AND d.ended IS NULL)
           THEN :now + :wait END
    FROM changes c CROSS JOIN phone_call_events e
    WHERE e.extension = c.extension AND e.type = c.type AND e.status = 1
    ORDER BY c.key
"""

_KEEP_CALLS = """
    INSERT INTO live_calls (id, document)
    SELECT key, value FROM json_each(?) WHERE true
    ON CONFLICT (id) DO UPDATE SET document = excluded.document
"""

_FORGET_CALLS = "DELETE FROM live_calls WHERE id IN (SELECT value FROM json_each(?))"

_EVENTS_OF_NEW = "SELECT json_group_array(event) FROM deliveries WHERE seq > ?"

_LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM deliveries"


def record(
    db: Database,
    changes: Iterable[CallChange],
    documents: Mapping[str, str | None],
    now: float,
    wait: float = 0.0,
) -> Collection[str]:
    """Write a delivery for each change and each enabled PhoneCallEvent of it, and the calls.

    ``documents`` has the calls as they now are, as JSON by id, None for one that has ended. The
    first attempt is due ``wait`` seconds from now. Returns the origins that have something to do.
    """
    keep_calls(db, documents)
    told = [_told(change) for change in _wanted(db, list(changes))]
    if not told:
        return ()
    (last,) = db.execute(_LAST_SEQ).fetchone()
    values = {"changes": json.dumps(told), "now": now, "wait": wait}
    db.execute(_INSERT, values)
    (new,) = db.execute(_EVENTS_OF_NEW, [last]).fetchone()
    return wake_lanes(db, set(json.loads(new))).keys()


def _wanted(db: Database, changes: list[CallChange]) -> list[CallChange]:
    """Those that somebody wants to be told of: most calls are of nobody's interest."""
    lanes = json.dumps([(change.extension, int(event_type(change))) for change in changes])
    return [changes[number] for number in json.loads(db.execute(_WANTED, [lanes]).fetchone()[0])]


def _told(change: CallChange) -> tuple[str | None, int, str, str, str]:
    return (
        *(change.extension, int(event_type(change))),
        *(change.call_id, form(change), change.seen),
    )


def keep_calls(db: Database, documents: Mapping[str, str | None]) -> None:
    """Write the calls as they now are, as JSON by id, None for one that has ended."""
    live = {id: document for id, document in documents.items() if document is not None}
    if live:
        db.execute(_KEEP_CALLS, [json.dumps(live)])
    if ended := documents.keys() - live.keys():
        db.execute(_FORGET_CALLS, [json.dumps(list(ended))])


# CROSS JOIN keeps the order of the loops: lanes by age, of each its heads by age.
_DUE = f"""
    SELECT json_group_array(json_array(
        webhook_id, event, call, extension, url, form, queued, attempts,
        type, method, seen, secret, previous_secret))
    FROM (
        SELECT d.webhook_id, d.event, d.call, d.form, d.seen, d.queued, d.attempts,
               e.type, e.extension, e.url, e.method, a.secret,
               {SIGNS_ALONG} AS previous_secret
        FROM phone_call_events e CROSS JOIN deliveries d ON d.event = e.id
             LEFT JOIN apps a ON a.id = e.app
        WHERE e.origin = :origin AND e.wake_at <= :now AND d.next_attempt <= :now
          AND d.webhook_id NOT IN (SELECT value FROM json_each(:without))
        ORDER BY e.wake_at LIMIT :limit)
"""  # noqa: S608

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
    found = [_delivery(row) for row in json.loads(db.execute(_DUE, values).fetchone()[0])]
    if len(found) == limit:
        return found, now
    (at,) = db.execute(_NEXT_DUE, {"origin": origin, "now": now}).fetchone()
    return found, at


def _delivery(row: list[Any]) -> Delivery:
    *plain, type, method, seen, secret, previous_secret = row
    secrets = tuple(each for each in (secret, previous_secret) if each is not None)
    return Delivery._make((*plain, _TYPES[type], _METHODS[method], _SEEN[seen], secrets))


# As values of an enum are looked up faster than made.
_TYPES = {type.value: type for type in EventType}
_METHODS = {method.value: method for method in Method}
_SEEN = {seen.value: seen for seen in Seen}


_KEEP_ATTEMPTS = """
    INSERT INTO earlier_attempts
    SELECT d.seq, d.tried, d.at, d.seconds, d.outcome, d.reason, d.excerpt
    FROM json_each(?) CROSS JOIN deliveries d ON d.webhook_id = value
    WHERE d.tried > 0
"""

# What was given up while it was on its way has ended, and what waited behind it goes on already.
_SETTLE = """
    UPDATE deliveries
    SET state = CASE WHEN ended IS NULL OR value ->> 1 = 'delivered'
                     THEN value ->> 1 ELSE state END,
        next_attempt = CASE WHEN ended IS NULL THEN value ->> 2 END,
        ended = coalesce(ended, value ->> 3), at = value ->> 4, seconds = value ->> 5,
        outcome = value ->> 6, reason = value ->> 7, excerpt = value ->> 8,
        attempts = attempts + 1, tried = tried + 1
    FROM json_each(?) WHERE webhook_id = value ->> 0
"""

_PROMOTE = """
    UPDATE deliveries SET next_attempt = :now
    WHERE next_attempt IS NULL AND seq IN (
        SELECT (SELECT min(seq) FROM deliveries
                WHERE event = value ->> 0 AND call = value ->> 1 AND ended IS NULL)
        FROM json_each(:chains))
"""


def settle(
    db: Database, settlements: Iterable[Settlement], now: float
) -> Mapping[str, float | None]:
    """Write down attempts, and let what waited behind those that have ended go on.

    Returns for each origin the Unix time of its next attempt, None if nothing waits. A delivery
    that was deleted meanwhile stays so.
    """
    rows, chains, lanes = [], [], set()
    for settlement in settlements:
        delivery, outcome = settlement.delivery, settlement.outcome
        over = settlement.state in (DeliveryState.DELIVERED, DeliveryState.DEAD)
        rows.append(
            (
                *(delivery.webhook_id, settlement.state, settlement.next_attempt),
                *(now if over else None, settlement.at, settlement.seconds),
                *(outcome.kind, outcome.reason, outcome.excerpt),
            )
        )
        if over:
            chains.append((delivery.event, delivery.call))
        if isinstance(outcome, Gone):
            disable(db, delivery.event, now)
        lanes.add(delivery.event)
    keep_attempts(db, [webhook_id for webhook_id, *_ in rows])
    db.execute(_SETTLE, [json.dumps(rows)])
    promote(db, chains, now)
    return wake_lanes(db, lanes)


def keep_attempts(db: Database, webhook_ids: Iterable[str]) -> None:
    """Put the last attempt of each of these with its earlier ones: another takes its place."""
    db.execute(_KEEP_ATTEMPTS, [json.dumps(list(webhook_ids))])


def disable(db: Database, event: str, now: float) -> None:
    """Set a PhoneCallEvent, given by its id, to disabled; the lane is to be woken then."""
    change = "UPDATE phone_call_events SET status = 0, modified = ? WHERE id = ?"
    db.execute(change, [datetime.fromtimestamp(now, UTC).isoformat(), event])


def promote(db: Database, chains: Iterable[tuple[str, str]], now: float) -> None:
    """Make the first of what waits in each chain its head; the lanes are to be woken then.

    A chain is given by the ids of its PhoneCallEvent and its call.
    """
    db.execute(_PROMOTE, {"chains": json.dumps(list(chains)), "now": now})


def live_call_documents(db: Database) -> list[str]:
    """The calls that were live when the daemon last wrote, as JSON."""
    return [row["document"] for row in db.query("SELECT document FROM live_calls")]
