"""Where deliveries are while the store cannot be written: in memory, in tables like the store's.

What was written before stays in the store and is only read; how its attempts end waits here. All
of it goes into the store by ``move``, once that can be written again.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database

from daemon.calls.model import CallChange
from daemon.events import outbox_sql
from daemon.events.deliveries import Delivery, Gone, Settlement
from daemon.events.lanes import wake_lanes
from daemon.events.matching import event_type
from daemon.store import Store
from daemon.tables import migrations

_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the store has to say of some changes: rows of the PhoneCallEvents that are to be told,
    rows of their apps, and the chains (event and call) in which something waits already."""

    events: list[_Row]
    apps: list[_Row]
    chains: set[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Held:
    """All that a Refuge holds, to be moved: rows of its tables, and what the store lacks.

    ``disabled`` has by its id when an app wanted no more of a PhoneCallEvent.
    """

    deliveries: list[_Row] = field(default_factory=list)
    attempts: dict[int, list[_Row]] = field(default_factory=dict)
    settlements: list[Settlement] = field(default_factory=list)
    documents: dict[str, str | None] = field(default_factory=dict)
    disabled: dict[str, float] = field(default_factory=dict)


class Refuge:
    """``store`` is the one that cannot be written now."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = Database(memory=True)
        migrations.apply(self._db)
        self._deliveries = 0
        self._settlements: dict[str, Settlement] = {}
        self._documents: dict[str, str | None] = {}
        self._gone: dict[str, float] = {}

    @property
    def size(self) -> int:
        """How much it holds: deliveries, attempts and calls that are not in the store."""
        return self._deliveries + len(self._settlements) + len(self._documents)

    @property
    def settled(self) -> Collection[str]:
        """Webhook ids of deliveries in the store that had an attempt which it does not know of."""
        return self._settlements.keys()

    async def record(
        self,
        changes: list[CallChange],
        documents: Mapping[str, str | None],
        now: float,
        wait: float,
    ) -> Collection[str]:
        """As outbox_sql.record."""
        wanted = await self._store.read(lambda db: _wanted(db, changes))
        self._documents |= documents
        with self._db.atomic():
            self._db.table("phone_call_events").insert_all(wanted.events, ignore=True)
            self._db.table("apps").insert_all(wanted.apps, ignore=True)
            self._disable_gone()
            origins = outbox_sql.record(self._db, changes, {}, now, wait)
            # What waits in the store comes first, and its end is not known here.
            for event, call in wanted.chains:
                self._db.execute(
                    "UPDATE deliveries SET next_attempt = NULL WHERE event = ? AND call = ?",
                    [event, call],
                )
            wake_lanes(self._db, {event for event, _ in wanted.chains})
        self._deliveries = self._db.table("deliveries").count
        return origins

    def due(
        self, origin: str, now: float, without: Collection[str], limit: int
    ) -> tuple[list[Delivery], float | None]:
        """As outbox_sql.due, of what is here."""
        return outbox_sql.due(self._db, origin, now, without, limit)

    async def settle(
        self, settlements: Iterable[Settlement], now: float
    ) -> Mapping[str, float | None]:
        """As outbox_sql.settle; origins of the store are not among what it returns."""
        here = []
        for settlement in settlements:
            webhook_id = settlement.delivery.webhook_id
            if self._db.table("deliveries").count_where("webhook_id = ?", [webhook_id]):
                here.append(settlement)
            else:
                self._settlements[webhook_id] = settlement
            if isinstance(settlement.outcome, Gone):
                self._gone[settlement.delivery.event] = now
        with self._db.atomic():
            self._disable_gone()
            return outbox_sql.settle(self._db, here, now)

    def held(self) -> Held:
        attempts: dict[int, list[_Row]] = {}
        for row in self._db.query("SELECT * FROM earlier_attempts ORDER BY delivery, number"):
            attempts.setdefault(row["delivery"], []).append(row)
        return Held(
            deliveries=list(self._db.query("SELECT * FROM deliveries ORDER BY seq")),
            attempts=attempts,
            settlements=list(self._settlements.values()),
            documents=dict(self._documents),
            disabled=dict(self._gone),
        )

    def _disable_gone(self) -> None:
        """The store has these PhoneCallEvents as enabled, and one of its deliveries told better."""
        for event, at in self._gone.items():
            outbox_sql.disable(self._db, event, at)
        wake_lanes(self._db, self._gone)

    def close(self) -> None:
        self._db.close()


def move(db: Database, held: Held, now: float) -> set[str]:
    """Write into the store what a Refuge held; returns the origins that have something to do."""
    for event, at in held.disabled.items():
        outbox_sql.disable(db, event, at)
    origins = outbox_sql.settle(db, held.settlements, now)
    for row in held.deliveries:
        _insert(db, row, held.attempts.get(row["seq"], []))
    outbox_sql.keep_calls(db, held.documents)
    return origins.keys() | wake_lanes(db, {row["event"] for row in held.deliveries}).keys()


_BEHIND = "SELECT 1 FROM deliveries WHERE event = ? AND call = ? AND ended IS NULL"

_INSERT = """
    INSERT INTO deliveries (webhook_id, event, call, form, seen, created, queued, state, attempts,
                            next_attempt, ended, tried, at, seconds, outcome, reason, excerpt)
    VALUES (:webhook_id, :event, :call, :form, :seen, :created, :queued, :state, :attempts,
            :next_attempt, :ended, :tried, :at, :seconds, :outcome, :reason, :excerpt)
    RETURNING seq
"""


def _insert(db: Database, row: _Row, attempts: list[_Row]) -> None:
    behind = db.execute(_BEHIND, [row["event"], row["call"]]).fetchone() is not None
    next_attempt = row["next_attempt"]
    if row["ended"] is None:
        # A chain whose head the store had goes on from there; else the first here is the head.
        next_attempt = None if behind else next_attempt or row["queued"]
    (seq,) = db.execute(_INSERT, {**row, "next_attempt": next_attempt}).fetchone()
    if attempts:
        earlier = ({**attempt, "delivery": seq} for attempt in attempts)
        db.table("earlier_attempts").insert_all(earlier)


def _wanted(db: Database, changes: Iterable[CallChange]) -> _Wanted:
    events: dict[str, _Row] = {}
    chains = set()
    for change in changes:
        if change.extension is None:
            continue
        lane = [change.extension, int(event_type(change))]
        where = "extension = ? AND type = ? AND status = 1"
        for row in db.table("phone_call_events").rows_where(where, lane):
            events[row["id"]] = {**row, "wake_at": None}
            if db.execute(_BEHIND, [row["id"], change.call_id]).fetchone() is not None:
                chains.add((row["id"], change.call_id))
    apps = {row["app"] for row in events.values()}
    return _Wanted(
        events=list(events.values()),
        apps=[row for app in apps for row in db.table("apps").rows_where("id = ?", [app])],
        chains=chains,
    )
