"""The line to the PBX, the PBX or the daemon is lost and comes back, at any moment of any call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.pbx.ami_protocol import AmiProtocol
from tests.plays import PLAYS
from tests.unit.ami_server import GREETING
from tests.unit.daemon.calls.recorded_calls import (
    FOLDED,
    Recording,
    Run,
    Step,
    assert_all_has_ended,
    assert_is_true,
    assert_true_until_the_end,
    for_apps,
    often,
    recording,
    recordings,
    undisturbed,
)


@st.composite
def moments(draw: st.DrawFn) -> tuple[Recording, int]:
    """How many events of a recording have come."""
    recorded = draw(recordings)
    return recorded, draw(st.integers(0, len(recorded.events)))


@st.composite
def gaps(draw: st.DrawFn) -> tuple[Recording, int, Step]:
    """A recording, how many of its events come, and a later step at which the line is back."""
    recorded, at = draw(moments())
    return recorded, at, draw(st.sampled_from([s for s in recorded.steps if s.at >= at]))


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Recording, int, Step]:
    """A recording, how many of its bytes come, and a later step at which the line is back."""
    recorded = draw(recordings)
    cut = draw(st.integers(0, len(recorded.stream)))
    return recorded, cut, draw(st.sampled_from([s for s in recorded.steps if s.byte >= cut]))


@st.composite
def snapshots(draw: st.DrawFn) -> tuple[Recording, int, Step, int]:
    """A recording, after how many events the lists are asked for, a later step, and then after how
    many events they come.
    """
    recorded, at, step = draw(gaps())
    return recorded, at, step, draw(st.integers(step.at, len(recorded.events)))


Views = dict[tuple[str, str], tuple[str, int]]


def _assert_ids_stay(before: Views, after: Views) -> None:
    assert {leg: view for leg, view in before.items() if leg in after}.items() <= after.items()


def _read(run: Run, stream: bytes) -> None:
    """One connection to the PBX from its greeting to its loss."""
    protocol = AmiProtocol(FOLDED, lambda event: run.hear([event]), lambda: None)
    protocol.data_received(GREETING + stream)
    assert protocol.take_missed() == 0
    protocol.connection_lost(None)


@pytest.mark.parametrize("name", PLAYS)
def test_what_is_known_is_at_each_step_what_the_pbx_would_answer(name: str) -> None:
    assert_true_until_the_end(Run(), recording(name), 0)


@often
@given(cuts())
async def test_after_a_cut_at_any_byte_all_is_true_again_and_ids_stay(
    at_byte: tuple[Recording, int, Step],
) -> None:
    recorded, cut, step = at_byte
    run = Run()
    _read(run, recorded.stream[:cut])
    before = run.views()
    run.snapshot(step)
    _assert_ids_stay(before, run.views())
    assert_is_true(run, step)
    _read(run, recorded.stream[step.byte :])
    assert_all_has_ended(run)


@often
@given(gaps(), st.integers(0, 40), st.booleans())
def test_events_that_come_before_the_lists_are_made_change_nothing_about_the_truth(
    gap: tuple[Recording, int, Step], heard: int, daemon_too: bool
) -> None:
    recorded, at, step = gap
    back = max(at, step.at - heard)
    run = Run()
    run.hear(recorded.events[:at])
    if daemon_too:
        run = Run(run)
    run.snapshot(step, meanwhile=recorded.events[back : step.at])
    assert_is_true(run, step)
    assert_true_until_the_end(run, recorded, step.at)


@often
@given(snapshots())
def test_events_that_overtake_the_lists_are_not_undone_by_them(
    snapshot: tuple[Recording, int, Step, int],
) -> None:
    recorded, at, step, until = snapshot
    run = Run()
    run.hear(recorded.events[:at])
    run.snapshot(step, meanwhile=recorded.events[step.at : until])
    assert_true_until_the_end(run, recorded, until)


@often
@given(snapshots())
def test_of_a_call_that_was_heard_whole_a_snapshot_changes_nothing_that_apps_are_told(
    snapshot: tuple[Recording, int, Step, int],
) -> None:
    recorded, at, step, until = snapshot
    run = Run()
    run.hear(recorded.events[:at])
    run.snapshot(step, meanwhile=recorded.events[at:until])
    assert_true_until_the_end(run, recorded, until)
    assert for_apps(run.told) == undisturbed(recorded.name)


@often
@given(moments(), st.booleans())
def test_a_restart_of_the_pbx_ends_all_that_was_live(
    moment: tuple[Recording, int], daemon_too: bool
) -> None:
    recorded, at = moment
    run = Run()
    run.hear(recorded.events[:at])
    if daemon_too:
        run = Run(run)
    run.restart_of_the_pbx()
    assert_all_has_ended(run)


@often
@given(gaps())
def test_a_restart_of_the_daemon_keeps_ids_and_tells_nothing_twice(
    gap: tuple[Recording, int, Step],
) -> None:
    recorded, at, step = gap
    former = Run()
    former.hear(recorded.events[:at])
    before = former.views()
    run = Run(former)
    assert run.views() == before
    run.snapshot(step)
    _assert_ids_stay(before, run.views())
    assert_is_true(run, step)
    assert_true_until_the_end(run, recorded, step.at)
