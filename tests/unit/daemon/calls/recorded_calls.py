"""The recordings of the plays as events and snapshots, and what must hold in any disorder."""

import gzip
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter

from config.settings import Settings
from daemon.calls.ami_fields import is_technical
from daemon.calls.model import CallChange, ChangeKind, Seen
from daemon.calls.snapshot import Listing
from daemon.calls.tracker import Tracker
from daemon.directory import Directory
from tests.pbx.phonebook import PHONES
from tests.pbx.uapid import SETTINGS
from tests.plays import PLAYS
from tests.unit.ami_stream import RECORDINGS, messages
from tests.unit.daemon.calls.pbx_script import copies
from tests.unit.reproducible import reproducible

NODE = "test-pbx"
START = datetime(2026, 1, 1, 12, tzinfo=UTC)

Event = dict[str, str]
Told = dict[tuple[str, str | None], list[CallChange]]  # of each leg, by CallID and extension
_settings = Settings.model_validate(tomllib.loads(SETTINGS))
DIRECTORY = Directory(_settings, frozenset(PHONES))
ROOMS = {e.number for e in _settings.extensions if e.queue or e.conference or e.context}
FOLDED = Tracker(NODE, DIRECTORY).event_names
often = settings(reproducible, max_examples=500)
DIAL, ANSWER, HANGUP = ChangeKind.DIAL, ChangeKind.ANSWER, ChangeKind.HANGUP


@dataclass(frozen=True)
class Step:
    """What the PBX answers to CoreShowChannels and to BridgeList at one moment of a recording.

    ``at`` is how many of its events came before, ``byte`` where in its stream that is.
    """

    at: int
    byte: int
    rows: list[Event]
    bridges: list[Event]

    def _repr_pretty_(self, printer: RepresentationPrinter, _: bool) -> None:
        printer.text(f"the step after {self.at} events")

    def channels(self) -> dict[str, str]:
        """Uniqueid and Linkedid of the channels that are legs of calls."""
        rows = (row for row in self.rows if not is_technical(row["Channel"]))
        return {row["Uniqueid"]: row["Linkedid"] for row in rows}

    def members(self) -> dict[str, set[str]]:
        """Of each bridge in which anybody talks, the Uniqueids of its channels."""
        holding = {
            bridge["BridgeUniqueid"]
            for bridge in self.bridges
            if bridge["BridgeTechnology"] == "holding_bridge"
        }
        members: dict[str, set[str]] = defaultdict(set)
        for row in self.rows:
            if row["BridgeId"] and row["BridgeId"] not in holding:
                members[row["BridgeId"]].add(row["Uniqueid"])
        return dict(members)


@dataclass(frozen=True)
class Recording:
    """The bytes of a recording, and the events in it that mean something to a tracker."""

    name: str
    stream: bytes
    events: list[Event]
    steps: list[Step]

    def _repr_pretty_(self, printer: RepresentationPrinter, _: bool) -> None:
        printer.text(self.name)

    def parts(self) -> Iterator[tuple[range, Step]]:
        """The numbers of the events before each step, and the step."""
        first = 0
        for step in self.steps:
            yield range(first, step.at), step
            first = step.at


@cache
def recording(name: str) -> Recording:
    stream = gzip.decompress((RECORDINGS / "calls" / f"{name}.ami.gz").read_bytes())
    events: list[Event] = []
    steps: list[Step] = []
    rows: list[Event] = []
    technology: dict[str, str] = {}
    byte = 0
    for raw in stream.split(b"\r\n\r\n")[:-1]:
        byte += len(raw) + 4
        (message,) = messages(raw)
        if "BridgeTechnology" in message:
            technology[message["BridgeUniqueid"]] = message["BridgeTechnology"]
        if message["Event"] in FOLDED:
            events.append(message)
        elif message["Event"] == "CoreShowChannel":
            rows.append(message)
        elif message["Event"] == "Step":
            bridges = [
                {"BridgeUniqueid": bridge, "BridgeTechnology": kind}
                for bridge, kind in technology.items()
            ]
            steps.append(Step(len(events), byte, rows, bridges))
            rows = []
    return Recording(name, stream, events, steps)


recordings = st.sampled_from(sorted(PLAYS)).map(recording)


class Run:
    """A run of the daemon as far as its calls go; a second passes with each event."""

    def __init__(self, former: "Run | None" = None) -> None:
        self.tracker = Tracker(NODE, DIRECTORY)
        self.told: list[CallChange] = []
        self.now = START
        self.bridges: set[str] = set()
        if former is not None:
            self.tracker.remember(copies(former.tracker.live.calls()))
            self.told, self.now = former.told, former.now

    def hear(self, events: Iterable[Event]) -> None:
        for event in events:
            self.now += timedelta(seconds=1)
            self.bridges.add(event.get("BridgeUniqueid", ""))
            self.told += self.tracker.fold(event, self.now)

    def snapshot(self, step: Step, meanwhile: Iterable[Event] = ()) -> None:
        """The PBX answers with this step, while these events come."""
        self.tracker.begin_snapshot()
        self.hear(meanwhile)
        changes = self.end_snapshot(step.rows, step.bridges)
        assert all(change.seen is not Seen.LIVE for change in changes)

    def restart_of_the_pbx(self) -> None:
        self.tracker.begin_snapshot()
        self.end_snapshot([], [])

    def end_snapshot(self, rows: list[Event], bridges: list[Event]) -> list[CallChange]:
        self.bridges.update(row["BridgeId"] for row in rows)
        self.now += timedelta(seconds=1)
        changes = self.tracker.end_snapshot(Listing(rows, bridges), self.now)
        self.told += changes
        return changes

    def views(self) -> dict[tuple[str, str], tuple[str, int]]:
        """Of each leg, by Uniqueid and Linkedid, the id of its call and its view."""
        return {
            (channel.uniqueid, channel.linkedid): (call.id, channel.view)
            for call in self.tracker.live.calls()
            for channel in call.channels.values()
        }


# --- what must hold ---


def assert_is_true(run: Run, step: Step) -> None:
    """What is live is what the PBX has, which it need not be asked again.

    No ghost, none missing, everybody in the right bridge and call.
    """
    _assert_as_in_snapshot(run, step)
    told, views = len(run.told), run.views()
    run.snapshot(step)
    assert run.told[told:] == []
    assert run.views() == views
    _assert_as_in_snapshot(run, step)


def _assert_as_in_snapshot(run: Run, step: Step) -> None:
    live = run.tracker.live
    assert dict(run.views().keys()) == step.channels()
    assert set(live.uniqueids()) == {row["Uniqueid"] for row in step.rows}
    members = {bridge: set(live.bridge_members(bridge)) for bridge in run.bridges}
    assert {bridge: inside for bridge, inside in members.items() if inside} == step.members()
    for call in live.calls():
        first = call.channels.get(call.linkedid)
        if first is not None and first.originator and first.extension:
            assert call.charged_to == first.extension, "whose phone began the call pays"


def assert_true_until_the_end(run: Run, recorded: Recording, at: int) -> None:
    """All events from this one on are heard."""
    for step in recorded.steps:
        if step.at >= at:
            run.hear(recorded.events[at : step.at])
            assert_is_true(run, step)
            at = step.at
    assert_all_has_ended(run)


def assert_all_has_ended(run: Run, *, rooms_again: bool = False) -> None:
    """Nothing is live, and each leg was told of: Dial, perhaps Answer, Hangup, all of one call.

    With ``rooms_again`` a channel may be said to have come into a room again after it had left.
    """
    live = run.tracker.live
    assert list(live.calls()) == []
    assert live.uniqueids() == []
    assert live.visits() == []
    assert not any(live.bridge_members(bridge) for bridge in run.bridges)
    assert not any(live.calls_of(leg.extension) for leg in run.told if leg.extension)
    for (channel, extension), changes in by_leg(run.told).items():
        kinds = [change.kind for change in changes]
        again = rooms_again and extension in ROOMS
        for told in _each_until_hangup(kinds) if again else [kinds]:
            assert told in ([DIAL, HANGUP], [DIAL, ANSWER, HANGUP]), (channel, extension)
        assert len({change.call_id for change in changes}) == 1, (channel, extension)
        assert len({change.direction for change in changes}) == 1, (channel, extension)


def _each_until_hangup(kinds: list[ChangeKind]) -> Iterator[list[ChangeKind]]:
    while kinds:
        end = kinds.index(HANGUP) + 1 if HANGUP in kinds else len(kinds)
        yield kinds[:end]
        kinds = kinds[end:]


def by_leg(told: Iterable[CallChange]) -> Told:
    legs = defaultdict(list)
    for change in told:
        legs[change.channel, change.extension].append(change)
    return dict(legs)


def for_apps(told: Iterable[CallChange]) -> Told:
    """What apps are told of each leg, at whatever time."""
    untimed = [replace(change, at=START) for change in told if change.extension is not None]
    return by_leg(untimed)


@cache
def undisturbed(name: str) -> Told:
    run = Run()
    run.hear(recording(name).events)
    return for_apps(run.told)
