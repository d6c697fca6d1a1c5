"""Which channels are in a hold with which."""

from daemon.holds.hold import Hold, InForce
from daemon.holds.pairs import Pairs
from tests.unit.daemon.calls.pbx_script import START, Script
from tests.unit.daemon.people import JOHN, MARY


def a_hold(holder: str, held: str, snoop: str, *gains: str) -> Hold:
    return Hold(holder, held, snoop, START, *(gains or ("", "")))


def test_two_that_hold_each_other_are_one_pair_with_the_gains_from_before_the_first() -> None:
    pairs = Pairs(Script().tracker.live)
    pair = pairs.open(a_hold("1", "2", "s1", "-2", "4"))
    assert pairs.open(a_hold("2", "1", "s2", "-32767", "-32767")) is pair
    assert pair.gains == {"1": "-2", "2": "4"}
    assert list(pairs) == [pair]
    assert pairs.between(frozenset("12")) is pairs.with_snoop("s2") is pair


def test_a_pair_is_forgotten_with_its_last_hold() -> None:
    pairs = Pairs(Script().tracker.live)
    first, second = a_hold("1", "2", "s1"), a_hold("2", "1", "s2")
    pair = pairs.open(first)
    pairs.open(second)
    pairs.close(first)
    assert pairs.of("1") == pairs.of("2") == [pair]
    assert pairs.with_snoop("s1") is None
    pairs.close(second)
    assert pairs.of("1") == pairs.of("2") == list(pairs) == []


def test_a_channel_whose_former_pair_is_still_to_end_has_two() -> None:
    pairs = Pairs(Script().tracker.live)
    former = pairs.open(a_hold("1", "2", "s1"))
    now = pairs.open(a_hold("1", "3", "s2"))
    assert pairs.of("1") == [former, now]
    pairs.close(a_hold("1", "2", "s1"))
    assert pairs.of("1") == [now]


def test_a_hold_that_begins_is_found_by_its_holder_and_in_force_only_once_it_is() -> None:
    pairs = Pairs(Script().tracker.live)
    hold = a_hold("1", "2", "s1")
    pair = pairs.open(hold)
    assert pairs.begun_by("1") == (pair, hold)
    assert pairs.begun_by("2") is None
    assert pairs.held_by("1") is None
    assert pairs.in_force() == []
    pair.holds["1"] = in_force = InForce(hold)
    assert pairs.held_by("1") is in_force
    assert pairs.in_force() == [hold]


def test_the_log_names_the_call_and_the_channels_also_when_they_have_ended() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    call = pbx.call(john)
    hold = a_hold(john.uniqueid, mary.uniqueid, "s1")
    pair = Pairs(pbx.tracker.live).open(hold)
    pbx.hang_up(john, mary)
    assert pair.story(hold) == f"call {call.id}: hold by {john.channel} of {mary.channel}"
    assert str(pair) == f"call {call.id}: hold between {john.channel} and {mary.channel}"


def test_the_lock_of_two_is_the_same_whoever_asks() -> None:
    pairs = Pairs(Script().tracker.live)
    lock = pairs.lock(frozenset(("1", "2")))
    assert pairs.lock(frozenset(("2", "1"))) is lock
    assert pairs.lock(frozenset(("2", "3"))) is not lock
