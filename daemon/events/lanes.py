"""When a PhoneCallEvent, and the server that its URL leads to, have something to do next, as SQL.

A lane is a PhoneCallEvent: its ``wake_at`` is the earliest next attempt of what waits for it, NULL
if nothing does or while it is disabled. It is to be set anew after each change of its deliveries,
its status and its URL, in the same transaction.
"""

import json
from collections.abc import Iterable

from sqlite_utils import Database

# status 1 is enabled
_WAKE = """
    UPDATE phone_call_events SET wake_at =
        CASE status WHEN 1 THEN
            (SELECT min(next_attempt) FROM deliveries
             WHERE event = phone_call_events.id AND next_attempt IS NOT NULL)
        END
    WHERE id IN (SELECT value FROM json_each(?))
"""

_NEXT = """
    SELECT json_group_object(origin, (SELECT min(wake_at) FROM phone_call_events
                                      WHERE origin = e.origin AND wake_at IS NOT NULL))
    FROM (SELECT DISTINCT origin FROM phone_call_events
          WHERE id IN (SELECT value FROM json_each(?))) e
"""


def wake_lanes(db: Database, events: Iterable[str]) -> dict[str, float | None]:
    """Set the lanes of these PhoneCallEvents, given by id.

    Returns for each of their origins the Unix time of its next attempt, None if nothing waits.
    """
    ids = json.dumps(list(events))
    db.execute(_WAKE, [ids])
    next_by_origin: dict[str, float | None] = json.loads(db.execute(_NEXT, [ids]).fetchone()[0])
    return next_by_origin


_NEXT_ORIGINS = """
    WITH RECURSIVE found (origin, count) AS (
        SELECT min(origin), 1 FROM phone_call_events WHERE origin > :after AND wake_at IS NOT NULL
        UNION ALL
        SELECT (SELECT min(origin) FROM phone_call_events
                WHERE origin > found.origin AND wake_at IS NOT NULL), count + 1
        FROM found WHERE origin IS NOT NULL AND count < :limit)
    SELECT origin, (SELECT min(wake_at) FROM phone_call_events e
                    WHERE e.origin = found.origin AND wake_at IS NOT NULL)
    FROM found WHERE origin IS NOT NULL
"""


def origins_after(db: Database, after: str, limit: int) -> list[tuple[str, float]]:
    """Origins for which something waits, in order, and the Unix time of the next attempt."""
    return db.execute(_NEXT_ORIGINS, {"after": after, "limit": limit}).fetchall()
