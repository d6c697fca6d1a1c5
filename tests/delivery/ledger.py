"""What apps are to be told, and what they were told."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from daemon.calls.model import phone_call_id
from daemon.events.phone_call_events import EventType, Method
from tests.delivery.daemon import NODE
from tests.delivery.moody_receiver import Arrival
from tests.delivery.played_pbx import PlayedCall

STEP_DEADLINE = 90.0

# CallStatus by the number of the leg and the type of the event.
Telling = dict[tuple[int, EventType], str]


@dataclass(frozen=True)
class Told:
    """What one PhoneCallEvent is to be told of one leg."""

    path: str
    leg: str


class Ledger:
    """``expected`` has CallAPIID, CallStatus and CallFlow of what is to be told, ``first`` how it
    came first, ``arrivals`` all that came, and ``faults`` what is wrong with any of it."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.expected: dict[Told, tuple[str, str, str]] = {}
        self.first: dict[Told, Arrival] = {}
        self.faults: list[str] = []
        self._ids: dict[str, Told] = {}
        self._came = asyncio.Event()

    def expect(self, call: PlayedCall, telling: Telling) -> list[Told]:
        """The next step of the call is to be told to all who asked for it."""
        id = phone_call_id(NODE, call.uniqueid(0))
        told = []
        for (leg, type), status in telling.items():
            flow = "out" if leg == 0 else "in"
            for method in Method:
                one = Told(path(call.extension(leg), type, method), call.uniqueid(leg))
                self.expected[one] = id, status, flow
                told.append(one)
        return told

    def note(self, arrival: Arrival) -> None:
        """A receiver has read this webhook."""
        self.arrivals.append(arrival)
        told = Told(arrival.request.path, arrival.request.parameters["CallID"])
        first = self.first.setdefault(told, arrival)
        if self._ids.setdefault(arrival.webhook_id, told) != told:
            self._fault("the webhook-id is that of another event", arrival)
        if first.webhook_id != arrival.webhook_id:
            self._fault("one event has two webhook-ids", arrival)
        if first.request.parameters != arrival.request.parameters:
            self._fault(f"it is not what came first: {first}", arrival)
        if told not in self.expected:
            self._fault("nobody expects it", arrival)
        elif first is arrival:
            self._compare(arrival, *self.expected[told])
        self._came.set()

    async def until_received(self, told: Iterable[Told]) -> None:
        """Wait until all of it was received once. AssertionError for anything that is wrong."""
        missing = set(told)
        try:
            async with asyncio.timeout(STEP_DEADLINE):
                while missing := missing - self.first.keys():
                    self._came.clear()
                    await self._came.wait()
                    assert not self.faults, self.faults[0]
        except TimeoutError:
            raise TimeoutError(f"not received in {STEP_DEADLINE:g} s: {missing}") from None

    def _compare(self, arrival: Arrival, call: str, status: str, flow: str) -> None:
        parameters = arrival.request.parameters
        # That a leg which was not answered is over is all that a list of the channels tells.
        concluded = arrival.request.headers["uapid-seen"] == "reconstructed"
        statuses = {status, "NOANSWER"} if concluded and status == "CANCEL" else {status}
        if parameters["CallStatus"] not in statuses:
            self._fault(f"its CallStatus is not {status}", arrival)
        if (parameters["CallAPIID"], parameters["CallFlow"]) != (call, flow):
            self._fault(f"it is not of call {call}, {flow}", arrival)

    def _fault(self, story: str, arrival: Arrival) -> None:
        self.faults.append(f"{story}: {arrival}")


def path(extension: str, type: EventType, method: Method) -> str:
    return f"/{extension}/{type.name}/{method.name}"


def assert_is_settled(ledger: Ledger, store: Path) -> None:
    """All came, nothing else did, in order, and the store has each of it as delivered."""
    assert not ledger.faults, ledger.faults[0]
    missing = ledger.expected.keys() - ledger.first.keys()
    assert not missing, f"never came: {missing}"
    _assert_in_order(ledger)
    with closing(sqlite3.connect(store)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("SELECT count(*) FROM live_calls").fetchone() == (0,)
        rows = db.execute("SELECT webhook_id, state FROM deliveries").fetchall()
    states = {state for _, state in rows}
    assert states == {"delivered"}, states
    came = sorted(arrival.webhook_id for arrival in ledger.first.values())
    assert sorted(webhook_id for webhook_id, _ in rows) == came, "the store has others"


def _assert_in_order(ledger: Ledger) -> None:
    """Of each PhoneCallEvent and call: all came in the order in which it happened, once another
    event came none before it came again, and it came after the one before had been accepted."""
    streams: dict[tuple[str, str], list[Arrival]] = defaultdict(list)
    for arrival in ledger.arrivals:
        streams[arrival.request.path, arrival.request.parameters["CallAPIID"]].append(arrival)
    happened: dict[tuple[str, str], list[str]] = defaultdict(list)
    for told, (call, *_) in ledger.expected.items():
        happened[told.path, call].append(told.leg)
    assert any(len(legs) > 1 for legs in happened.values()), "there is an order"
    for stream, arrivals in streams.items():
        seen: list[str] = []
        accepted = True
        for arrival in arrivals:
            leg = arrival.request.parameters["CallID"]
            if leg not in seen:
                assert accepted, f"too early: {arrival}"
                seen.append(leg)
                accepted = False
            assert leg == seen[-1], f"out of order: {arrival}"
            accepted |= arrival.accepted
        assert seen == happened[stream], f"{stream}: {seen} instead of {happened[stream]}"
