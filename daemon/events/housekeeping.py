"""Ends what waits for too long, and forgets what ended long ago: a little at a time, so that no
delivery waits for it."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from sqlite_utils import Database

from config import settings
from daemon.events.deliveries import DeliveryState, OutcomeKind
from daemon.events.lanes import wake_lanes
from daemon.events.outbox_sql import keep_attempts, promote
from daemon.events.schedule import horizon
from daemon.events.selection import ROWS_AT_ONCE
from daemon.store import Store, StoreUnavailable
from daemon.tokens import forget_expired_tokens

log = logging.getLogger(__name__)

INTERVAL = 60.0
_PAUSE = 0.05

_DAY = 24 * 3600.0


class Housekeeper:
    """Keeps the store from growing for ever: the outbox by the settings, tokens a day after their
    end. Until then who sends one is told that it has expired, and not that it is unknown.
    """

    def __init__(self, store: Store, delivery: settings.Delivery) -> None:
        self._store = store
        self.take_over(delivery)

    def take_over(self, delivery: settings.Delivery) -> None:
        """Go on with the schedule and the retention of these settings."""
        self._horizon = horizon(delivery.schedule)
        self._retention = delivery.retention_days * _DAY

    async def run(self) -> None:
        """Clean up now and every INTERVAL, for ever."""
        while True:
            try:
                await self.clean_up(time.time())
            except StoreUnavailable as error:
                log.warning("store: %s; what is old is kept", error)
            await asyncio.sleep(INTERVAL)

    async def clean_up(self, now: float) -> None:
        """Raises StoreUnavailable."""
        await self._repeat(partial(drop_orphans, limit=ROWS_AT_ONCE))
        expired = await self._repeat(
            partial(expire, queued_before=now - self._horizon, now=now, limit=ROWS_AT_ONCE)
        )
        if expired:
            days = self._horizon / _DAY
            log.error("%d deliveries given up: not taken by their apps in %.1f days", expired, days)
        await self._repeat(partial(purge, ended_before=now - self._retention, limit=ROWS_AT_ONCE))
        await self._repeat(partial(forget_expired_tokens, before=now - _DAY, limit=ROWS_AT_ONCE))

    async def _repeat(self, work: Callable[[Database], int]) -> int:
        total = 0
        while count := await self._store.write(work):
            total += count
            await asyncio.sleep(_PAUSE)
        return total


_OLDEST_WAITING = """
    SELECT webhook_id, event, call FROM (
        SELECT webhook_id, event, call, queued FROM deliveries
        WHERE state = ? ORDER BY seq LIMIT ?)
    WHERE queued < ?
"""

_GIVE_UP = """
    UPDATE deliveries
    SET state = :state, next_attempt = NULL, ended = :now, tried = tried + 1, at = :now,
        seconds = 0, outcome = :outcome, reason = 'waited for too long', excerpt = ''
    WHERE webhook_id IN (SELECT value FROM json_each(:webhook_ids))
"""


def expire(db: Database, queued_before: float, now: float, limit: int) -> int:
    """Give up what has waited since before then; returns how many there were, at most 2 * limit.

    Of each waiting state only the ``limit`` oldest are looked at.
    """
    found = [
        row
        for state in (DeliveryState.PENDING, DeliveryState.FAILED)
        for row in db.execute(_OLDEST_WAITING, [state, limit, queued_before]).fetchall()
    ]
    webhook_ids = [webhook_id for webhook_id, _, _ in found]
    values = {"now": now, "state": DeliveryState.DEAD, "outcome": OutcomeKind.EXPIRED}
    keep_attempts(db, webhook_ids)
    db.execute(_GIVE_UP, {**values, "webhook_ids": json.dumps(webhook_ids)})
    promote(db, [(event, call) for _, event, call in found], now)
    wake_lanes(db, {event for _, event, _ in found})
    return len(found)


_ENDED = "SELECT seq FROM deliveries WHERE ended < ? ORDER BY ended LIMIT ?"
_OF_EVENT = "SELECT seq FROM deliveries WHERE event = ? LIMIT ?"


def purge(db: Database, ended_before: float, limit: int) -> int:
    """Forget what was delivered or given up before then; returns how many, at most ``limit``."""
    return delete(db, [seq for (seq,) in db.execute(_ENDED, [ended_before, limit])])


def drop_orphans(db: Database, limit: int) -> int:
    """Forget deliveries of PhoneCallEvents that were deleted; returns 0 once there are none."""
    events = [row["id"] for row in db.query("SELECT id FROM deleted_events LIMIT ?", [limit])]
    for event in events:
        if dropped := delete(db, [seq for (seq,) in db.execute(_OF_EVENT, [event, limit])]):
            return dropped
        db.execute("DELETE FROM deleted_events WHERE id = ?", [event])
    return len(events)


def delete(db: Database, seqs: Sequence[int]) -> int:
    """Forget these and their attempts; returns how many."""
    among = [json.dumps(seqs)]
    db.execute("DELETE FROM deliveries WHERE seq IN (SELECT value FROM json_each(?))", among)
    attempts = "DELETE FROM earlier_attempts WHERE delivery IN (SELECT value FROM json_each(?))"
    db.execute(attempts, among)
    return len(seqs)
