"""Servers take turns; the times are made up."""

import time

import pytest

from daemon.events.turns import (
    Turns,
)
from tests.unit.daemon.events.taking_turns import A, B, C, size, take, take_all


@pytest.mark.parametrize(("places", "half"), [(1, 1), (2, 1), (3, 2), (9, 5), (100, 50)])
def test_one_server_alone_gets_half_of_the_places(places: int, half: int) -> None:
    turns = Turns(places)
    turns.wake(A, 0.0)
    assert take_all(turns, 0.0) == {A: half}


@pytest.mark.parametrize("places", [2, 3, 10, 100])
def test_a_newcomer_finds_a_place_beside_one_that_holds_on_to_its_own(places: int) -> None:
    turns = Turns(places)
    turns.wake(A, 0.0)
    take_all(turns, 0.0)
    turns.wake(B, 1.0)
    assert take_all(turns, 1.0)[B] >= 1


def test_six_servers_that_never_answer_leave_room_for_another() -> None:
    turns = Turns(100)
    slow = [f"http://slow{number}:80" for number in range(6)]
    for now, origin in enumerate(slow):
        turns.wake(origin, now)
        take_all(turns, now)
    turns.wake(A, 10.0)
    assert take_all(turns, 10.0)[A] >= 1


def test_the_first_place_that_becomes_free_goes_to_a_server_that_has_none() -> None:
    turns = Turns(4)
    for now, origin in enumerate((A, B, C)):
        turns.wake(origin, now)
        take_all(turns, now)
    newcomer = "http://new:80"
    turns.wake(newcomer, 3.0)
    assert take(turns, 3.0) is None, "all places are taken"
    turns.ended(A, alive=True, now=4.0)
    assert take_all(turns, 4.0) == {newcomer: 1}


def test_servers_that_all_have_enough_to_do_come_one_after_the_other() -> None:
    turns = Turns(3)
    for origin in (A, B, C):
        turns.wake(origin, 0.0)
    order = []
    for now in range(1, 31):
        turn = turns.next(now)
        assert turn is not None
        order.append(turn[0])
        turns.took(turn[0], 1, now)
        turns.ended(turn[0], alive=True, now=now)
    assert {origin: order.count(origin) for origin in (A, B, C)} == {A: 10, B: 10, C: 10}
    assert all(set(order[at : at + 3]) == {A, B, C} for at in range(0, 30, 3))


def test_a_server_comes_when_its_time_has_come_and_not_before() -> None:
    turns = Turns(10)
    turns.wake(A, 20.0)
    turns.wake(B, 10.0)
    assert turns.next(9.9) is None
    assert turns.next_time() == 10.0
    assert take(turns, 10.0, waiting=0) == (B, 0)
    assert turns.next(19.0) is None
    assert turns.next_time() == 20.0
    turns.wake(A, 19.5)
    assert take(turns, 19.5, waiting=0) == (A, 0)


def test_what_is_told_while_a_server_is_looked_after_is_not_forgotten() -> None:
    turns = Turns(10)
    turns.wake(A, 0.0)
    assert turns.next(0.0) is not None
    turns.wake(A, 0.5)  # a new event, which whoever looks what is due may not see any more
    turns.took(A, 1, None)
    assert take(turns, 0.5) == (A, 4)


def test_a_server_whose_last_attempt_is_written_down_while_it_is_looked_after_is_kept() -> None:
    turns = Turns(10)
    turns.wake(A, 0.0)
    assert turns.next(0.0) is not None
    turns.wake(A, None)
    turns.took(A, 1, 5.0)
    assert turns.ended(A, alive=True, now=1.0) is None
    assert turns.next(5.0) == (A, 5)


def test_a_time_that_has_been_put_off_brings_no_turn() -> None:
    turns = Turns(10)
    turns.wake(A, 20.0)
    turns.wake(A, 5.0)
    assert turns.next(5.0) is not None
    turns.took(A, 0, 30.0)
    assert turns.next(20.0) is None
    assert turns.next(30.0) is not None


# --- memory and speed ---


def test_a_server_for_which_nothing_waits_is_forgotten() -> None:
    turns = Turns(10)
    empty = size(turns)
    for number in range(1000):
        origin = f"http://{number}:80"
        turns.wake(origin, 0.0)
        take(turns, 0.0, waiting=1)
        turns.ended(origin, alive=True, now=0.0)
        turns.wake(origin, None)
    assert size(turns) < empty + 100


def test_a_busy_server_with_a_retry_far_away_does_not_fill_the_memory() -> None:
    turns = Turns(10)
    tomorrow = 24 * 3600.0
    turns.wake(A, tomorrow)
    for now in range(10_000):
        turns.wake(A, now)
        assert turns.next(now) is not None
        turns.took(A, 1, tomorrow)
        turns.ended(A, alive=True, now=now)
        turns.wake(A, tomorrow)
    assert size(turns) < 10_000
    assert turns.next_time() == tomorrow


def test_servers_come_in_time_although_what_is_out_of_date_is_cleared_away() -> None:
    turns = Turns(10)
    servers = [f"http://{number}:80" for number in range(200)]
    for number, origin in enumerate(servers):
        turns.wake(origin, 10_000.0 - number)
    order = []
    for now in range(1000):
        turns.wake(A, now)
        turns.next(now)
        turns.took(A, 0, 20_000.0)
    for now in range(9_800, 10_001):
        while turn := take(turns, now, waiting=0):
            order.append(turn[0])
    assert order == servers[::-1]


def _seconds_for_1000_turns(servers: int) -> float:
    turns = Turns(100)
    for number in range(servers):
        turns.wake(f"http://{number}:80", 0.0)
    turns.next(0.0)
    turns.took("http://0:80", 0, 0.0)
    began = time.process_time()
    for _ in range(1000):
        turn = turns.next(0.0)
        assert turn is not None
        turns.took(turn[0], 0, 0.0)
    return time.process_time() - began


def test_a_turn_takes_hardly_longer_when_many_servers_wait_for_theirs() -> None:
    few = min(_seconds_for_1000_turns(10) for _ in range(3))
    assert _seconds_for_1000_turns(30_000) < 50 * few, "a walk past all would take 1000 times"
