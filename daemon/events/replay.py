"""Puts deliveries back into the queue, and deletes them, when somebody asks for it.

A delivery that is put back keeps its id and takes its old place in the order of its PhoneCallEvent
and call: it waits behind those before it, and those after it that have not begun wait behind it.
How an attempt ends that is on its way meanwhile is written down as ever, so that one which then
fails follows the schedule from where it was.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from sqlite_utils import Database

from daemon.events.deliveries import DeliveryState
from daemon.events.housekeeping import delete
from daemon.events.lanes import wake_lanes
from daemon.events.outbox_sql import promote
from daemon.events.phone_call_events import Status
from daemon.events.selection import MISSED


class Replay(Enum):
    """What became of a delivery that was to be put back."""

    QUEUED = auto()
    WAITS = auto()  # queued, and its PhoneCallEvent is disabled
    PENDING = auto()  # it was in the queue, without an attempt so far: nothing has changed
    ORPHANED = auto()  # its PhoneCallEvent is deleted: nothing has changed
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Replays:
    """What became of each, by webhook id; ``origins`` have something to do now."""

    found: dict[str, Replay] = field(default_factory=dict)
    origins: set[str] = field(default_factory=set)

    @property
    def queued(self) -> list[str]:
        return [id for id, what in self.found.items() if what in (Replay.QUEUED, Replay.WAITS)]


_CANDIDATES = """
    SELECT d.seq, d.webhook_id, d.event, d.call, d.state, d.queued, d.ended, e.status
    FROM deliveries d LEFT JOIN phone_call_events e ON e.id = d.event
"""
_AMONG = "IN (SELECT value FROM json_each(?)) ORDER BY d.seq"
_BY_ID = f"{_CANDIDATES} WHERE d.webhook_id {_AMONG}"
_BY_SEQ = f"{_CANDIDATES} WHERE d.seq {_AMONG}"

# One that has a next attempt, and so may be on its way, gets another one now; the others wait if
# there is any before them.
_PUT_BACK = """
    UPDATE deliveries
    SET state = 'pending', attempts = 0, queued = :now, ended = NULL,
        next_attempt = CASE
            WHEN next_attempt IS NOT NULL THEN :now
            WHEN EXISTS (SELECT 1 FROM deliveries d
                         WHERE d.event = deliveries.event AND d.call = deliveries.call
                           AND d.ended IS NULL AND d.seq < deliveries.seq) THEN NULL
            ELSE :now END
    WHERE seq = :seq
"""


def retry(db: Database, webhook_ids: Iterable[str], now: float) -> Replays:
    """Put back those with these ids, ended or not; at most some hundred, as it is one step."""
    wanted = list(webhook_ids)
    replays = _put_back(db, db.query(_BY_ID, [json.dumps(wanted)]), now)
    known = {id: replays.found.get(id, Replay.UNKNOWN) for id in wanted}
    return Replays(known, replays.origins)


def retry_missed(db: Database, seqs: Sequence[int], now: float) -> Replays:
    """Put back those of these that are failed or dead.

    ``now`` is to be the same for all portions of a selection: one that was put back since then, and
    has failed again, is left out, so that none is put back for ever.
    """
    rows = db.query(_BY_SEQ, [json.dumps(seqs)])
    missed = [row for row in rows if row["state"] in MISSED and row["queued"] < now]
    return _put_back(db, missed, now)


def _put_back(db: Database, rows: Iterable[dict[str, Any]], now: float) -> Replays:
    found, lanes = {}, set()
    for row in rows:
        if row["status"] is None:
            found[row["webhook_id"]] = Replay.ORPHANED
        elif row["state"] == DeliveryState.PENDING:
            found[row["webhook_id"]] = Replay.PENDING
        else:
            db.execute(_PUT_BACK, {"seq": row["seq"], "now": now})
            enabled = row["status"] == Status.ENABLED
            found[row["webhook_id"]] = Replay.QUEUED if enabled else Replay.WAITS
            lanes.add(row["event"])
    return Replays(found, set(wake_lanes(db, lanes)))


def purge(db: Database, seqs: Sequence[int], states: Collection[DeliveryState], now: float) -> int:
    """Delete those of these that are in such a state; returns how many.

    What waited behind one that is deleted goes on.
    """
    rows = [row for row in db.query(_BY_SEQ, [json.dumps(seqs)]) if row["state"] in states]
    delete(db, [row["seq"] for row in rows])
    chains = {(row["event"], row["call"]) for row in rows if row["ended"] is None}
    promote(db, chains, now)
    wake_lanes(db, {event for event, _ in chains})
    return len(rows)
