"""However a store fails and comes back: each event is told of each change once, in order."""

import asyncio
import sqlite3
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.events.deliveries import Delivered, Delivery, Failed, Gone, Outcome
from daemon.events.outbox import Outbox
from daemon.events.phone_call_events import EventType, Status
from daemon.store import Store, StoreUnavailable
from tests.unit.daemon.events.changes import (
    HANGUP,
    attempts,
    deliveries,
    phone_call_events,
    settlement,
    subscribe,
    update,
)
from tests.unit.daemon.people import JOHN
from tests.unit.reproducible import reproducible

URLS = ["http://a/", "http://a/2", "http://b/"]
ORIGINS = ["http://a:80", "http://b:80"]

_steps = st.one_of(
    st.tuples(st.just("record"), st.lists(st.sampled_from("xyz"), min_size=1, max_size=3)),
    st.tuples(st.just("record"), st.lists(st.sampled_from("xyz"), min_size=1, max_size=3)),
    st.tuples(st.just("take"), st.sampled_from(ORIGINS), st.sampled_from([1, 2, 50])),
    st.tuples(st.just("take"), st.sampled_from(ORIGINS), st.just(50)),
    st.tuples(st.just("end"), st.sampled_from(["ok", "ok", "fail", "gone"]), st.integers(1, 4)),
    st.tuples(st.just("end"), st.just("ok"), st.integers(1, 4)),
    st.tuples(st.just("lock")),
    st.tuples(st.just("unlock")),
    st.tuples(st.just("move")),
    st.tuples(st.just("restart")),
)


class _World:
    """``sent``: by event and call, in which order the changes were taken by the app."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path)
        self.lock: sqlite3.Connection | None = None
        self.number = 0
        self.on_their_way: dict[str, tuple[str, Delivery]] = {}
        self.sent: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.recorded: list[tuple[str, str]] = []
        self.gone: set[str] = set()
        self.attempts = 0

    async def open(self) -> None:
        self.store = Store(self.store.path)
        self.store.open()
        await self.store.write(lambda db: db.execute("PRAGMA busy_timeout = 0").fetchone())
        self.outbox = Outbox(self.store, 0.0, lambda origins: None)

    async def step(self, what: str, *how: Any) -> None:
        match what, *how:
            case "record", calls:
                await self._record(calls)
            case "take", origin, limit:
                await self._take(origin, limit)
            case "end", outcome, count:
                await self._end(outcome, count)
            case ("lock",):
                if self.lock is None:
                    self.lock = sqlite3.connect(self.store.path, isolation_level=None)
                    self.lock.execute("BEGIN IMMEDIATE")
            case ("unlock",):
                self._unlock()
            case ("move",):
                await self._move()
            case ("restart",):
                await self._restart()

    async def _record(self, calls: list[str]) -> None:
        changes = []
        for call in calls:
            self.number += 1
            changes.append(replace(HANGUP, call_id=call, channel=f"1.{self.number}"))
            self.recorded.append((call, f"1.{self.number}"))
        await self.outbox.record(changes, {call: str(self.number) for call in calls})

    async def _take(self, origin: str, limit: int) -> None:
        found, at = await self.outbox.due(origin, set(self.on_their_way), limit)
        assert len(found) <= limit
        assert len({one.webhook_id for one in found}) == len(found)
        assert len(found) < limit or at is not None
        for one in found:
            assert one.webhook_id not in self.on_their_way
            chains = {(other.event, other.call) for _, other in self.on_their_way.values()}
            assert (one.event, one.call) not in chains, "one of a call at a time"
            self.on_their_way[one.webhook_id] = origin, one

    async def _end(self, how: str, count: int) -> None:
        ended = []
        for webhook_id in list(self.on_their_way)[:count]:
            _, one = self.on_their_way.pop(webhook_id)
            outcome: Outcome = Delivered("-")
            if how == "fail":
                outcome = Failed("-")
            elif how == "gone":
                outcome = Gone("-")
                self.gone.add(one.event)
            if how != "fail":
                leg = one.form.partition("&")[0].removeprefix("CallID=")
                self.sent[one.event, one.call].append(leg)
            ended.append(settlement(one, outcome, 0.0 if how == "fail" else None))
        self.attempts += len(ended)
        await self.outbox.settle(ended)

    def _unlock(self) -> None:
        if self.lock is not None:
            self.lock.close()
            self.lock = None

    async def _move(self) -> None:
        if self.store.trouble is not None:
            try:
                await self.outbox.move()
            except StoreUnavailable:
                assert self.lock is not None

    async def _restart(self) -> None:
        """An orderly stop, and a start; what is on its way is cut off before its outcome."""
        self._unlock()
        await self._move()
        self.outbox.close()
        self.store.close()
        self.on_their_way.clear()
        await self.open()

    async def come_to_rest(self) -> None:
        self._unlock()
        await self._move()
        for event in await phone_call_events(self.store).find(JOHN):
            assert (event.status is Status.DISABLED) is (event.id in self.gone)
            await update(self.store, event, status=Status.ENABLED)
        while True:
            for origin in ORIGINS:
                await self._take(origin, 50)
            if not self.on_their_way:
                break
            await self._end("ok", 50)

    async def check(self, events: list[str]) -> None:
        told = [leg for legs in self.sent.values() for leg in legs]
        rows = await deliveries(self.store)
        assert len(told) == len(rows)
        assert {row["state"] for row in rows} <= {"delivered", "dead"}
        for event in events:
            for call in "xyz":
                expected = [leg for of_call, leg in self.recorded if of_call == call]
                sent = self.sent[event, call]
                if event not in self.gone:
                    assert sent == expected, (event, call)
                else:
                    assert sent == [leg for leg in expected if leg in sent], "in order, none twice"
        assert len(await attempts(self.store)) == self.attempts
        live = {call: leg.removeprefix("1.") for call, leg in self.recorded}
        kept = await self.store.read(
            lambda db: dict(db.execute("SELECT id, document FROM live_calls"))
        )
        assert {call: int(number) >= int(live[call]) for call, number in kept.items()} == (
            dict.fromkeys(live, True)
        )
        true = "SELECT state, count(*) FROM deliveries GROUP BY state"
        counts = "SELECT state, count FROM delivery_counts WHERE count > 0"
        assert await self.store.read(lambda db: dict(db.execute(true))) == (
            await self.store.read(lambda db: dict(db.execute(counts)))
        )


async def _play(steps: list[tuple[Any, ...]], path: Path) -> None:
    world = _World(path)
    await world.open()
    events = [(await subscribe(world.store, url, EventType.HANGUP)).id for url in URLS]
    try:
        for step in steps:
            await world.step(*step)
        await world.come_to_rest()
        await world.check(events)
    finally:
        world._unlock()
        world.outbox.close()
        world.store.close()


@given(st.lists(_steps, min_size=5, max_size=40))
@settings(reproducible, max_examples=60)
def test_nothing_is_lost_or_out_of_order(steps: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as directory:
        asyncio.run(_play(steps, Path(directory) / "uapid.sqlite"))
