"""Who is at the other end, across the channels that Asterisk makes for itself."""

from datetime import UTC, datetime

import pytest

from daemon.calls.index import LiveIndex
from daemon.calls.model import Parties, Room
from tests.unit.daemon.people import JOHN, MARY, QUEUE

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def live() -> LiveIndex:
    """John in a bridge with one half of a Local channel, Mary in one with the other."""
    live = LiveIndex("pbx")
    for uniqueid, extension in (("1.1", JOHN), ("1.4", MARY)):
        live.join(uniqueid, f"PJSIP/{extension}-0000000{uniqueid[-1]}", "1.1", extension, NOW)
    for uniqueid, half in (("1.2", "1"), ("1.3", "2")):
        live.technical.note(uniqueid, f"Local/220@internal-00000001;{half}")
    for uniqueid, bridge in (("1.1", "a"), ("1.2", "a"), ("1.3", "b"), ("1.4", "b")):
        live.enter(uniqueid, bridge)
    return live


def test_the_peer_is_found_across_a_local_channel(live: LiveIndex) -> None:
    john, mary = live.channel("1.1"), live.channel("1.4")
    assert live.peer("1.1") is mary
    assert live.peer("1.4") is john
    live.enter("1.4", "a")
    assert live.peer("1.1") is None, "there are three in the bridge"
    live.remove_technical("1.2")
    assert live.peer("1.1") is mary


def test_a_channel_that_is_no_leg_speaks_for_the_one_behind_it(live: LiveIndex) -> None:
    john, mary = live.channel("1.1"), live.channel("1.4")
    assert live.far_end("1.1") is john
    assert live.far_end("1.2") is mary, "who is in the bridge of the other half"
    half = live.technical.get("1.2")
    assert half is not None
    half.dialled_by = "1.1"
    assert live.far_end("1.3") is john, "who dialled the other half"
    assert live.far_end("1.9") is None


def test_what_has_ended_enters_no_bridge(live: LiveIndex) -> None:
    john = live.channel("1.1")
    assert john is not None
    live.remove(john)
    assert live.has_ended("1.1")
    live.enter("1.1", "a")
    assert live.bridge_members("a") == {"1.2"}


def test_a_call_is_listed_for_who_pays_as_long_as_anybody_is_in_it(live: LiveIndex) -> None:
    (call,) = live.calls()
    live.charge(call, JOHN)
    john, mary = live.channel("1.1"), live.channel("1.4")
    assert john is not None
    assert mary is not None
    live.remove(john)
    assert live.calls_of(JOHN) == [call]
    live.remove(mary)
    assert live.calls_of(JOHN) == live.calls_of(MARY) == []
    assert live.call(call.id) is None


def test_a_leg_in_a_queue_takes_its_stay_along_into_another_call(live: LiveIndex) -> None:
    caller = live.join("2.1", "PJSIP/trunk-00000009", "2.1", None, NOW)
    visit = live.begin_visit(Room.QUEUE, "2.1", "2.1", QUEUE, Parties(), NOW)
    (older, younger) = live.calls()
    assert live.calls_of(QUEUE) == [younger]
    live.move(caller, "1.1", NOW)
    assert live.calls_of(QUEUE) == [older]
    assert list(live.calls()) == [older]
    live.end_visit(visit)
    assert live.calls_of(QUEUE) == []
