"""500 calls as a real Asterisk told them, all folded."""

from collections import Counter, defaultdict
from datetime import UTC, datetime

import pytest

from daemon.calls.model import CallChange, CallStatus, ChangeKind, phone_call_id
from daemon.calls.tracker import Tracker
from tests.unit.ami_stream import recorded_events
from tests.unit.daemon.people import directory

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS = recorded_events("500-calls-read-call.ami.gz")


@pytest.fixture(scope="module")
def told() -> list[CallChange]:
    tracker = Tracker("pbx", directory())
    changes = [change for event in EVENTS for change in tracker.fold(event, NOW)]
    assert list(tracker.live.calls()) == [], "every call of the recording has ended"
    return changes


def test_each_leg_is_dialled_then_answered_then_hung_up_once(told: list[CallChange]) -> None:
    legs = defaultdict(list)
    for change in told:
        legs[change.channel].append(change.kind)
    assert len(legs) == 1000
    assert Counter(map(tuple, legs.values())) == {
        (ChangeKind.DIAL, ChangeKind.ANSWER, ChangeKind.HANGUP): 1000
    }


def test_each_call_has_two_legs_and_a_stable_id(told: list[CallChange]) -> None:
    calls = defaultdict(set)
    for change in told:
        calls[change.call_id].add(change.channel)
    assert len(calls) == 500
    assert {len(legs) for legs in calls.values()} == {2}
    linkedids = {event["Linkedid"] for event in EVENTS if "Linkedid" in event}
    assert set(calls) == {phone_call_id("pbx", linkedid) for linkedid in linkedids}


def test_each_leg_ends_as_answered(told: list[CallChange]) -> None:
    ends = Counter(change.status for change in told if change.kind is ChangeKind.HANGUP)
    assert ends == {CallStatus.ANSWER: 1000}


def test_each_event_tells_who_called_whom(told: list[CallChange]) -> None:
    numbers = {(c.parties.caller_number, c.parties.called_number) for c in told}
    assert numbers == {("sipp", "100")}


def test_folding_again_gives_the_same(told: list[CallChange]) -> None:
    tracker = Tracker("pbx", directory())
    assert [change for event in EVENTS for change in tracker.fold(event, NOW)] == told


def test_bridges_are_empty_at_the_end() -> None:
    tracker = Tracker("pbx", directory())
    bridges = set()
    most = 0
    for event in EVENTS:
        tracker.fold(event, NOW)
        if "BridgeUniqueid" in event:
            bridges.add(event["BridgeUniqueid"])
            most = max(most, len(tracker.live.bridge_members(event["BridgeUniqueid"])))
    assert most == 2
    assert all(not tracker.live.bridge_members(bridge) for bridge in bridges)
