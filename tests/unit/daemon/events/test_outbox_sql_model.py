"""Whatever happens to an outbox, it is as a simple model has it."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from daemon.events import housekeeping, outbox_sql
from daemon.events.deliveries import (
    Delivered,
    Delivery,
    DeliveryState,
    Failed,
    Gone,
    Outcome,
    Refused,
    Settlement,
)
from daemon.events.lanes import origins_after
from daemon.events.origin import origin_of
from daemon.events.phone_call_events import (
    EventChange,
    EventType,
    Method,
    PhoneCallEvents,
    Status,
)
from tests.unit.daemon.events.changes import APP, DIAL_IN, HANGUP
from tests.unit.daemon.events.outbox_model import (
    Model,
    ModelDelivery,
    ModelEvent,
    StoreInMemory,
    at_once,
    done,
)
from tests.unit.daemon.people import JOHN
from tests.unit.reproducible import reproducible

URLS = ["http://a/", "http://a:80/2", "http://a/3", "http://b/"]
CHANGES = {EventType.DIAL_IN: DIAL_IN, EventType.HANGUP: HANGUP}
HORIZON, RETENTION = 200.0, 100.0


class OutboxModel(Model, RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.store = StoreInMemory()
        self.db = self.store.db
        self.phone_call_events = PhoneCallEvents(self.store, first=at_once)
        self.now = 1000.0
        self.events, self.deliveries = {}, {}
        self.on_their_way: dict[str, Delivery] = {}
        for type, url in ((EventType.DIAL_IN, URLS[0]), (EventType.HANGUP, URLS[1])):
            self.an_app_subscribes(type, url, Status.ENABLED)
        self.the_pbx_tells([(EventType.DIAL_IN, "x"), (EventType.DIAL_IN, "x")], 0.0)

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()

    # --- what happens ---

    @rule(seconds=st.sampled_from([1.0, 10.0, 250.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(
        type=st.sampled_from(list(CHANGES)),
        url=st.sampled_from(URLS),
        status=st.sampled_from([Status.ENABLED, Status.ENABLED, Status.DISABLED]),
    )
    def an_app_subscribes(self, type: EventType, url: str, status: Status) -> None:
        creating = self.phone_call_events.create(JOHN, type, Method.POST, "", url, status, APP)
        self.events[done(creating).id] = ModelEvent(type, url, status is Status.ENABLED)

    @rule(
        changes=st.lists(
            st.tuples(st.sampled_from(list(CHANGES)), st.sampled_from("xyz")),
            min_size=1,
            max_size=4,
        ),
        wait=st.sampled_from([0.0, 0.0, 5.0]),
    )
    def the_pbx_tells(self, changes: list[tuple[EventType, str]], wait: float) -> None:
        wanted = [
            (event_id, call)
            for type, call in changes
            for event_id, event in self.events.items()
            if event.enabled and not event.deleted and event.type is type
        ]
        told = [replace(CHANGES[type], call_id=call) for type, call in changes]
        with self.db.atomic():
            origins = outbox_sql.record(self.db, told, {}, self.now, wait)
        assert set(origins) == {origin_of(self.events[event_id].url) for event_id, _ in wanted}
        rows = self.db.query("SELECT webhook_id, event, call FROM deliveries ORDER BY seq")
        new = [row for row in rows if row["webhook_id"] not in self.deliveries]
        assert sorted((row["event"], row["call"]) for row in new) == sorted(wanted)
        for row in new:
            chain = self.open(row["event"], row["call"])
            at = None if chain else self.now + wait
            delivery = ModelDelivery(row["event"], row["call"], self.now, at)
            self.deliveries[row["webhook_id"]] = delivery

    @rule(
        origin=st.sampled_from(["http://a:80", "http://a:80", "http://b:80"]),
        limit=st.sampled_from([1, 2, 50]),
    )
    def a_server_has_its_turn(self, origin: str, limit: int) -> None:
        lanes = {
            event_id
            for event_id, event in self.events.items()
            if event.enabled and not event.deleted and origin_of(event.url) == origin
        }
        heads = {
            webhook_id: delivery.next_attempt
            for webhook_id, delivery in self.deliveries.items()
            if delivery.event in lanes and delivery.next_attempt is not None
        }
        due = {id for id, at in heads.items() if at <= self.now} - self.on_their_way.keys()
        given, at = outbox_sql.due(self.db, origin, self.now, self.on_their_way.keys(), limit)
        ids = [delivery.webhook_id for delivery in given]
        assert len(ids) == len(set(ids)) == min(limit, len(due))
        assert set(ids) <= due
        later = min((one for one in heads.values() if one > self.now), default=None)
        assert at == (self.now if len(ids) == limit else later)
        for delivery in given:
            event, model = self.events[delivery.event], self.deliveries[delivery.webhook_id]
            assert (delivery.url, delivery.attempts) == (event.url, model.attempts)
            assert (delivery.event, delivery.call) == (model.event, model.call)
        self.on_their_way |= {delivery.webhook_id: delivery for delivery in given}

    @precondition(lambda self: self.on_their_way)
    @rule(
        count=st.integers(1, 3),
        outcome=st.sampled_from(
            [Delivered("-"), Failed("-"), Delivered("-"), Refused("-"), Gone("-")]
        ),
        wait=st.sampled_from([5.0, 300.0, None]),
    )
    def attempts_end(self, count: int, outcome: Outcome, wait: float | None) -> None:
        settlements = [
            self._settlement(self.on_their_way.pop(id), outcome, wait)
            for id in list(self.on_their_way)[:count]
        ]
        lanes = {settlement.delivery.event for settlement in settlements}
        for settlement in settlements:
            self.settle(settlement)
        with self.db.atomic():
            wakes = outbox_sql.settle(self.db, settlements, self.now)
        alive = [self.events[id] for id in lanes if not self.events[id].deleted]
        expected = {origin_of(event.url) for event in alive}
        kept = {id for id in expected if id in wakes}
        assert kept == expected or not self._all_kept(settlements)
        for origin, at in wakes.items():
            assert at == self.wake_of(origin)

    def _settlement(self, delivery: Delivery, outcome: Outcome, wait: float | None) -> Settlement:
        match outcome:
            case Delivered():
                state, wait = DeliveryState.DELIVERED, None
            case Gone():
                state, wait = DeliveryState.DEAD, None
            case _:
                state = DeliveryState.DEAD if wait is None else DeliveryState.FAILED
        at = None if wait is None else self.now + wait
        return Settlement(delivery, outcome, self.now, 0.1, state, at)

    @rule(
        number=st.integers(0, 9),
        status=st.sampled_from([None, *Status]),
        url=st.sampled_from([None, *URLS]),
    )
    def an_app_changes_its_event(self, number: int, status: Status | None, url: str | None) -> None:
        event_id = self._any_event(number)
        event, change = self.events[event_id], EventChange(status=status, url=url)
        updated = done(self.phone_call_events.update(JOHN, event.type, event_id, change))
        assert (updated is None) is event.deleted
        if not event.deleted:
            event.enabled = event.enabled if status is None else bool(status)
            event.url = url or event.url

    @rule(number=st.integers(0, 9))
    @precondition(lambda self: self.now > 1100.0)
    def an_app_deletes_its_event(self, number: int) -> None:
        event_id = self._any_event(number)
        done(self.phone_call_events.delete(JOHN, None, event_id))
        self.events[event_id].deleted = True

    @rule(limit=st.sampled_from([1, 3, 200]))
    def the_house_is_kept(self, limit: int) -> None:
        before = self.now - HORIZON
        for model in list(self.deliveries.values()):
            if model.ended is None and model.queued < before:
                self.end(model, DeliveryState.DEAD)
                model.notes += 1
        self._repeat(lambda db: housekeeping.expire(db, before, self.now, limit), 2 * limit)
        self._repeat(lambda db: housekeeping.purge(db, self.now - RETENTION, limit), limit)
        self._repeat(lambda db: housekeeping.drop_orphans(db, limit), limit)
        self.deliveries = {
            webhook_id: model
            for webhook_id, model in self.deliveries.items()
            if not self.events[model.event].deleted
            and (model.ended is None or model.ended >= self.now - RETENTION)
        }

    def _repeat(self, work: Any, at_most: int) -> None:
        while count := done(self.store.write(work)):
            assert count <= at_most

    def _any_event(self, number: int) -> str:
        return list(self.events)[number % len(self.events)]

    # --- what is so at any time ---

    def _all_kept(self, settlements: list[Settlement]) -> bool:
        return all(one.delivery.webhook_id in self.deliveries for one in settlements)

    @invariant()
    def the_deliveries_are_those_of_the_model(self) -> None:
        columns = "webhook_id, event, call, state, attempts, queued, next_attempt, ended"
        rows = self.db.execute(f"SELECT {columns} FROM deliveries ORDER BY seq").fetchall()
        assert {id: tuple(rest) for id, *rest in rows} == {
            id: (
                *(model.event, model.call, model.state, model.attempts),
                *(model.queued, model.next_attempt, model.ended),
            )
            for id, model in self.deliveries.items()
        }

    @invariant()
    def each_chain_in_which_something_waits_has_one_head_which_is_its_first(self) -> None:
        chains = defaultdict(list)
        rows = "SELECT event, call, next_attempt FROM deliveries WHERE ended IS NULL ORDER BY seq"
        for event, call, next_attempt in self.db.execute(rows):
            chains[event, call].append(next_attempt is not None)
        assert all(heads == [True] + [False] * len(heads[1:]) for heads in chains.values())

    @invariant()
    def each_lane_wakes_when_its_first_head_is_due(self) -> None:
        for row in self.db.query(
            """
            SELECT wake_at, status, (SELECT min(next_attempt) FROM deliveries
                                     WHERE event = phone_call_events.id) AS first
            FROM phone_call_events
            """
        ):
            assert row["wake_at"] == (row["first"] if row["status"] else None)

    @invariant()
    def the_servers_for_which_something_waits_are_found(self) -> None:
        origins = sorted({origin_of(url) for url in URLS})
        expected = [(one, at) for one in origins if (at := self.wake_of(one)) is not None]
        assert origins_after(self.db, "", 10) == expected
        assert origins_after(self.db, "", 1) == expected[:1]
        assert origins_after(self.db, "http://a:80", 10) == [
            (one, at) for one, at in expected if one > "http://a:80"
        ]

    @invariant()
    def the_counts_are_true(self) -> None:
        counted = dict(self.db.execute("SELECT state, count FROM delivery_counts"))
        true = dict.fromkeys(DeliveryState, 0)
        for model in self.deliveries.values():
            true[model.state] += 1
        assert counted == true

    @invariant()
    def each_attempt_is_written_down_and_no_more(self) -> None:
        rows = self.db.execute(
            """
            SELECT coalesce(webhook_id, 'of none'), number FROM attempts
            LEFT JOIN deliveries ON seq = delivery ORDER BY delivery, number
            """
        ).fetchall()
        assert sorted(rows) == sorted(
            (id, number)
            for id, model in self.deliveries.items()
            for number in range(1, model.notes + 1)
        )


TestOutboxModel = OutboxModel.TestCase
TestOutboxModel.settings = settings(reproducible, max_examples=150, stateful_step_count=40)
