"""Servers that keep failing, or ask to be left alone, are given pauses."""

from daemon.events.turns import (
    FAILURES_TO_OPEN,
    FIRST_PAUSE,
    LONGEST_ASKED_PAUSE,
    LONGEST_PAUSE,
    Circuit,
    Turns,
)
from tests.unit.daemon.events.taking_turns import A, B, fail, take, take_all


def test_a_server_that_fails_five_times_in_a_row_is_given_a_pause() -> None:
    turns = Turns(100)
    turns.wake(A, 0.0)
    take_all(turns, 0.0, waiting=10)
    told = [turns.ended(A, alive=False, now=1.0) for _ in range(FAILURES_TO_OPEN)]
    assert told == [None] * (FAILURES_TO_OPEN - 1) + [Circuit.OPENED]
    turns.wake(A, 1.0)
    for _ in range(10 - FAILURES_TO_OPEN):
        assert turns.ended(A, alive=False, now=1.1) is None, "it is told once"
    assert turns.next(1.0 + FIRST_PAUSE - 0.1) is None
    assert turns.next(1.0 + FIRST_PAUSE) == (A, 1)


def test_failures_between_good_attempts_open_nothing() -> None:
    turns = Turns(100)
    for now in range(10):
        fail(turns, A, now, times=FAILURES_TO_OPEN - 1)
        turns.wake(A, now)
        take(turns, now, waiting=1)
        assert turns.ended(A, alive=True, now=now) is None
    turns.wake(A, 11.0)
    assert turns.next(11.0) == (A, 50)


def test_a_failing_server_gets_one_attempt_at_a_time_after_pauses_that_grow_to_a_minute() -> None:
    turns = Turns(100)
    fail(turns, A, 0.0)
    now, pauses = 0.0, []
    for _ in range(7):
        turns.wake(A, now)
        assert turns.next(now) is None
        at = turns.next_time()
        assert at is not None
        pauses.append(at - now)
        now = at
        assert take_all(turns, now) == {A: 1}
        turns.wake(A, now)
        now += 0.5
        assert turns.next(now) is None, "no second probe while the first is on its way"
        assert turns.ended(A, alive=False, now=now) is None
    assert pauses == [FIRST_PAUSE, 10.0, 20.0, 40.0, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert (FIRST_PAUSE, LONGEST_PAUSE) == (5.0, 60.0)


def test_the_first_good_attempt_closes_the_circuit_and_the_next_pause_is_short_again() -> None:
    turns = Turns(100)
    fail(turns, A, 0.0)
    for now in (5.0, 15.0):
        turns.wake(A, now)
        take(turns, now)
        turns.ended(A, alive=False, now=now)
    turns.wake(A, 35.0)
    take(turns, 35.0)
    assert turns.ended(A, alive=True, now=35.0) is Circuit.CLOSED
    assert take(turns, 35.0) == (A, 50)
    for _ in range(50):
        turns.ended(A, alive=False, now=36.0)
    turns.wake(A, 36.0)
    assert turns.next(36.0 + FIRST_PAUSE - 0.1) is None
    assert turns.next(36.0 + FIRST_PAUSE) == (A, 1)


def test_attempts_that_began_before_the_circuit_opened_make_its_pause_no_longer() -> None:
    turns = Turns(100)
    turns.wake(A, 0.0)
    take_all(turns, 0.0, waiting=20)
    for number in range(20):
        turns.ended(A, alive=False, now=15.0 + number)  # until 34, long after the first pause
    turns.wake(A, 34.0)
    assert turns.next(34.0) == (A, 1)


def test_many_attempts_that_begin_while_the_circuit_opens_count_as_one_probe() -> None:
    turns = Turns(100)
    turns.wake(A, 0.0)
    take_all(turns, 0.0, waiting=5)
    turns.wake(A, 1.0)
    assert turns.next(1.0) is not None
    for _ in range(FAILURES_TO_OPEN):
        turns.ended(A, alive=False, now=1.0)  # while the store is asked what to send
    turns.took(A, 40, None)
    for number in range(40):
        turns.ended(A, alive=False, now=15.0 + number / 100)
    turns.wake(A, 16.0)
    assert turns.next(15.0 + 2 * FIRST_PAUSE) == (A, 1)


def test_a_good_attempt_that_began_before_the_circuit_opened_closes_it_at_once() -> None:
    turns = Turns(100)
    turns.wake(A, 0.0)
    take_all(turns, 0.0, waiting=10)
    for _ in range(9):
        turns.ended(A, alive=False, now=1.0)
    turns.wake(A, 1.0)
    assert turns.next(1.0) is None
    assert turns.ended(A, alive=True, now=1.5) is Circuit.CLOSED
    assert turns.next(1.5) == (A, 50)


def test_a_failing_server_does_not_hold_up_others() -> None:
    turns = Turns(100)
    fail(turns, A, 0.0)
    turns.wake(A, 0.0)
    turns.wake(B, 0.0)
    assert take_all(turns, 1.0) == {B: 50}


def test_a_probe_too_waits_for_a_free_place() -> None:
    turns = Turns(1)
    fail(turns, A, 0.0)
    turns.wake(B, 0.0)
    assert turns.next(0.0) == (B, 1)
    turns.took(B, 1, None)
    turns.wake(A, 5.0)
    assert turns.next(100.0) is None
    turns.ended(B, alive=True, now=101.0)
    assert turns.next(101.0) == (A, 1)


# --- Retry-After ---


def test_a_server_is_left_alone_for_as_long_as_it_asks_within_bounds() -> None:
    turns = Turns(100)
    for origin, asked, pause in ((A, 30.0, 30.0), (B, 1e9, LONGEST_ASKED_PAUSE)):
        turns.wake(origin, 0.0)
        take(turns, 0.0, waiting=1)
        turns.ended(origin, alive=False, now=0.0, asked=asked)
        turns.wake(origin, 0.0)
        assert turns.next(pause - 0.1) is None
        assert turns.next_time() == pause
        assert take(turns, pause, waiting=0) == (origin, 0)


def test_good_attempts_on_their_way_do_not_undo_the_pause_that_a_server_asked_for() -> None:
    turns = Turns(100)
    turns.wake(A, 0.0)
    take_all(turns, 0.0, waiting=2)
    turns.ended(A, alive=False, now=0.0, asked=30.0)
    turns.ended(A, alive=True, now=0.1)
    turns.wake(A, 0.1)
    assert turns.next(29.9) is None
    assert turns.next(30.0) == (A, 50)


def test_a_shorter_pause_asked_for_later_does_not_cut_the_longer_one() -> None:
    turns = Turns(100)
    turns.wake(A, 0.0)
    take_all(turns, 0.0, waiting=2)
    turns.ended(A, alive=False, now=0.0, asked=30.0)
    turns.ended(A, alive=False, now=1.0, asked=1.0)
    turns.wake(A, 1.0)
    assert turns.next(29.0) is None
