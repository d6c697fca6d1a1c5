"""Events that come twice, not at all, in another order or mixed with those of other calls."""

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plays import PLAYS
from tests.unit.ami_stream import recorded_events
from tests.unit.daemon.calls.recorded_calls import (
    FOLDED,
    Event,
    Recording,
    Run,
    Told,
    assert_all_has_ended,
    assert_is_true,
    for_apps,
    often,
    recording,
    recordings,
    undisturbed,
)

# Asterisk's threads tell of these in one order or the other, though they share a channel or bridge.
EITHER_FIRST = {
    frozenset(names.split())
    for names in (
        *("BridgeEnter", "BridgeLeave", "Hangup"),  # of two channels
        *("Newstate DialBegin", "Newstate DialState", "ParkedCall BridgeEnter"),
        *("ConfbridgeJoin BridgeEnter", "ConfbridgeLeave BridgeLeave", "AgentComplete BridgeLeave"),
        *("BlindTransfer BridgeLeave", "BlindTransfer ParkedCall", "SoftHangupRequest BridgeLeave"),
    )
}


def _may_swap(first: Event, second: Event) -> bool:
    names = frozenset({first["Event"], second["Event"]})
    if names == {"DialBegin"}:
        # A Local channel's other half dials when the Dial() that made it has told so long ago.
        return False
    if first["Event"] == "Newchannel" and first["Uniqueid"] == second.get("Linkedid"):
        return False  # the call begins with it
    if _of(first).isdisjoint(_of(second)):
        return True
    return names in EITHER_FIRST and (len(names) > 1 or first["Uniqueid"] != second["Uniqueid"])


def _of(event: Event) -> set[str]:
    """The channels and bridges that an event is about."""
    return {value for name, value in event.items() if name.endswith("Uniqueid") and value}


def _reordered(events: list[Event], swaps: Iterable[int]) -> list[Event]:
    """Each swap changes the event of this number, as they are then, for the next one."""
    events = list(events)
    for number in swaps:
        if number + 1 < len(events) and _may_swap(events[number], events[number + 1]):
            events[number : number + 2] = reversed(events[number : number + 2])
    return events


def _steps(told: Told) -> dict[tuple[str, str | None], list[tuple[str, ...]]]:
    """Without the parties: who rings long before its DialBegin may be told without its caller."""
    return {
        leg: [(change.kind, change.status, change.direction, change.call_id) for change in changes]
        for leg, changes in told.items()
    }


@st.composite
def damage(draw: st.DrawFn) -> tuple[Recording, list[int], set[int]]:
    """A recording, the numbers of some of its events, and at which of its steps to look."""
    recorded = draw(recordings)
    some = draw(st.lists(st.integers(0, len(recorded.events) - 1), max_size=40))
    looks = draw(st.sets(st.integers(0, len(recorded.steps) - 1)))
    return recorded, some, looks | {len(recorded.steps) - 1}


def _heard(recorded: Recording, numbers: Iterable[Iterable[int]], looks: set[int]) -> Run:
    """Of each part the events of these numbers, and a snapshot at some of the steps."""
    run = Run()
    for number, (part, step) in enumerate(zip(numbers, recorded.steps, strict=True)):
        run.hear(recorded.events[event] for event in part)
        if number in looks:
            run.snapshot(step)
            assert_is_true(run, step)
    return run


@often
@given(damage())
def test_events_that_are_lost_leave_no_ghost_after_the_next_snapshot(
    damaged: tuple[Recording, list[int], set[int]],
) -> None:
    recorded, lost, looks = damaged
    parts = [[event for event in part if event not in lost] for part, _ in recorded.parts()]
    assert_all_has_ended(_heard(recorded, parts, looks), rooms_again=True)


@often
@given(damage())
def test_of_a_few_events_that_are_all_that_is_heard_a_snapshot_makes_the_truth(
    damaged: tuple[Recording, list[int], set[int]],
) -> None:
    recorded, heard, looks = damaged
    parts = [[event for event in part if event in heard] for part, _ in recorded.parts()]
    assert_all_has_ended(_heard(recorded, parts, looks), rooms_again=True)


@often
@given(damage())
def test_events_that_come_twice_in_a_row_are_told_once(
    damaged: tuple[Recording, list[int], set[int]],
) -> None:
    recorded, doubled, _ = damaged
    run = Run()
    for number, event in enumerate(recorded.events):
        run.hear([event] * (2 if number in doubled else 1))
    assert_all_has_ended(run)
    assert for_apps(run.told) == undisturbed(recorded.name)


@often
@given(damage(), st.integers(1, 60))
def test_events_that_come_again_later_leave_no_ghost_and_end_no_leg_twice(
    damaged: tuple[Recording, list[int], set[int]], later: int
) -> None:
    recorded, doubled, looks = damaged
    again = {min(number + later, len(recorded.events) - 1): number for number in doubled}
    parts = [
        [event for at in part for event in ([at, again[at]] if at in again else [at])]
        for part, _ in recorded.parts()
    ]
    assert_all_has_ended(_heard(recorded, parts, looks), rooms_again=True)
    assert_all_has_ended(_heard(recorded, parts, set()), rooms_again=True)


@often
@given(damage())
def test_the_order_of_events_of_different_threads_changes_no_step_of_any_leg(
    damaged: tuple[Recording, list[int], set[int]],
) -> None:
    recorded, swaps, _ = damaged
    run = Run()
    for part, step in recorded.parts():
        events = recorded.events[part.start : part.stop]
        run.hear(_reordered(events, [swap - part.start for swap in swaps if swap in part]))
        assert_is_true(run, step)
    assert_all_has_ended(run)
    assert _steps(for_apps(run.told)) == _steps(undisturbed(recorded.name))


@pytest.mark.parametrize("name", PLAYS)
def test_any_two_events_that_may_come_in_either_order_do(name: str) -> None:
    recorded = recording(name)
    for number in range(len(recorded.events) - 1):
        if _may_swap(*recorded.events[number : number + 2]):
            run = Run()
            run.hear(_reordered(recorded.events, [number]))
            assert_all_has_ended(run)
            assert for_apps(run.told) == undisturbed(name), number


def test_no_two_recordings_have_a_channel_in_common() -> None:
    ids: set[str] = set()
    for name in PLAYS:
        new = {event["Uniqueid"] for event in recording(name).events if event.get("Uniqueid")}
        assert ids.isdisjoint(new), name
        ids |= new


@often
@given(st.lists(recordings, min_size=2, max_size=5, unique_by=lambda r: r.name), st.integers())
def test_calls_at_the_same_time_do_not_mix(several: list[Recording], seed: int) -> None:
    order = [recorded.name for recorded in several for _ in recorded.events]
    Random(seed).shuffle(order)
    events = {recorded.name: iter(recorded.events) for recorded in several}
    run = Run()
    run.hear(next(events[name]) for name in order)
    assert_all_has_ended(run)
    assert for_apps(run.told) == {
        leg: told for recorded in several for leg, told in undisturbed(recorded.name).items()
    }


@pytest.mark.parametrize("seed", range(3))
def test_of_500_damaged_calls_no_leg_ends_twice_and_none_outlives_the_pbx(seed: int) -> None:
    random, run = Random(seed), Run()
    for event in recorded_events("500-calls-read-call.ami.gz"):
        if event["Event"] in FOLDED:
            run.hear([event] * random.choice((0, 1, 1, 1, 1, 2)))
    assert list(run.tracker.live.calls())
    run.restart_of_the_pbx()
    assert_all_has_ended(run)
