"""Servers take turns; the times are made up."""

import pickle
import time
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.events.turns import (
    FAILURES_TO_OPEN,
    FIRST_PAUSE,
    LONGEST_ASKED_PAUSE,
    LONGEST_PAUSE,
    Circuit,
    Turns,
)
from tests.unit.reproducible import reproducible

A, B, C = "http://a:80", "http://b:80", "http://c:80"


def _take(turns: Turns, now: float, waiting: int = 1000) -> tuple[str, int] | None:
    """Begin what the server whose turn it is may begin; so much waits for it, all due."""
    turn = turns.next(now)
    if turn is None:
        return None
    origin, limit = turn
    count = min(limit, waiting)
    turns.took(origin, count, now if count == limit else None)
    return origin, count


def _take_all(turns: Turns, now: float, waiting: int = 1000) -> dict[str, int]:
    """Take turns until nobody has one; how many attempts each server has begun."""
    taken: dict[str, int] = defaultdict(int)
    while turn := _take(turns, now, waiting):
        taken[turn[0]] += turn[1]
    return dict(taken)


def _fail(turns: Turns, origin: str, now: float, times: int = FAILURES_TO_OPEN) -> None:
    for _ in range(times):
        turns.wake(origin, now)
        assert _take(turns, now, waiting=1) == (origin, 1)
        turns.ended(origin, alive=False, now=now)


# --- fairness ---


@pytest.mark.parametrize(("places", "half"), [(1, 1), (2, 1), (3, 2), (9, 5), (100, 50)])
def test_one_server_alone_gets_half_of_the_places(places: int, half: int) -> None:
    turns = Turns(places)
    turns.wake(A, 0.0)
    assert _take_all(turns, 0.0) == {A: half}


@pytest.mark.parametrize("places", [2, 3, 10, 100])
def test_a_newcomer_finds_a_place_beside_one_that_holds_on_to_its_own(places: int) -> None:
    turns = Turns(places)
    turns.wake(A, 0.0)
    _take_all(turns, 0.0)
    turns.wake(B, 1.0)
    assert _take_all(turns, 1.0)[B] >= 1


def test_six_servers_that_never_answer_leave_room_for_another() -> None:
    turns = Turns(100)
    slow = [f"http://slow{number}:80" for number in range(6)]
    for now, origin in enumerate(slow):
        turns.wake(origin, now)
        _take_all(turns, now)
    turns.wake(A, 10.0)
    assert _take_all(turns, 10.0)[A] >= 1


def test_the_first_place_that_becomes_free_goes_to_a_server_that_has_none() -> None:
    turns = Turns(4)
    for now, origin in enumerate((A, B, C)):
        turns.wake(origin, now)
        _take_all(turns, now)
    newcomer = "http://new:80"
    turns.wake(newcomer, 3.0)
    assert _take(turns, 3.0) is None, "all places are taken"
    turns.ended(A, alive=True, now=4.0)
    assert _take_all(turns, 4.0) == {newcomer: 1}


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
    assert _take(turns, 10.0, waiting=0) == (B, 0)
    assert turns.next(19.0) is None
    assert turns.next_time() == 20.0
    turns.wake(A, 19.5)
    assert _take(turns, 19.5, waiting=0) == (A, 0)


def test_what_is_told_while_a_server_is_looked_after_is_not_forgotten() -> None:
    turns = Turns(10)
    turns.wake(A, 0.0)
    assert turns.next(0.0) is not None
    turns.wake(A, 0.5)  # a new event, which whoever looks what is due may not see any more
    turns.took(A, 1, None)
    assert _take(turns, 0.5) == (A, 4)


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


# --- the circuit ---


def test_a_server_that_fails_five_times_in_a_row_is_given_a_pause() -> None:
    turns = Turns(100)
    turns.wake(A, 0.0)
    _take_all(turns, 0.0, waiting=10)
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
        _fail(turns, A, now, times=FAILURES_TO_OPEN - 1)
        turns.wake(A, now)
        _take(turns, now, waiting=1)
        assert turns.ended(A, alive=True, now=now) is None
    turns.wake(A, 11.0)
    assert turns.next(11.0) == (A, 50)


def test_a_failing_server_gets_one_attempt_at_a_time_after_pauses_that_grow_to_a_minute() -> None:
    turns = Turns(100)
    _fail(turns, A, 0.0)
    now, pauses = 0.0, []
    for _ in range(7):
        turns.wake(A, now)
        assert turns.next(now) is None
        at = turns.next_time()
        assert at is not None
        pauses.append(at - now)
        now = at
        assert _take_all(turns, now) == {A: 1}
        turns.wake(A, now)
        now += 0.5
        assert turns.next(now) is None, "no second probe while the first is on its way"
        assert turns.ended(A, alive=False, now=now) is None
    assert pauses == [FIRST_PAUSE, 10.0, 20.0, 40.0, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert (FIRST_PAUSE, LONGEST_PAUSE) == (5.0, 60.0)


def test_the_first_good_attempt_closes_the_circuit_and_the_next_pause_is_short_again() -> None:
    turns = Turns(100)
    _fail(turns, A, 0.0)
    for now in (5.0, 15.0):
        turns.wake(A, now)
        _take(turns, now)
        turns.ended(A, alive=False, now=now)
    turns.wake(A, 35.0)
    _take(turns, 35.0)
    assert turns.ended(A, alive=True, now=35.0) is Circuit.CLOSED
    assert _take(turns, 35.0) == (A, 50)
    for _ in range(50):
        turns.ended(A, alive=False, now=36.0)
    turns.wake(A, 36.0)
    assert turns.next(36.0 + FIRST_PAUSE - 0.1) is None
    assert turns.next(36.0 + FIRST_PAUSE) == (A, 1)


def test_attempts_that_began_before_the_circuit_opened_make_its_pause_no_longer() -> None:
    turns = Turns(100)
    turns.wake(A, 0.0)
    _take_all(turns, 0.0, waiting=20)
    for number in range(20):
        turns.ended(A, alive=False, now=15.0 + number)  # until 34, long after the first pause
    turns.wake(A, 34.0)
    assert turns.next(34.0) == (A, 1)


def test_many_attempts_that_begin_while_the_circuit_opens_count_as_one_probe() -> None:
    turns = Turns(100)
    turns.wake(A, 0.0)
    _take_all(turns, 0.0, waiting=5)
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
    _take_all(turns, 0.0, waiting=10)
    for _ in range(9):
        turns.ended(A, alive=False, now=1.0)
    turns.wake(A, 1.0)
    assert turns.next(1.0) is None
    assert turns.ended(A, alive=True, now=1.5) is Circuit.CLOSED
    assert turns.next(1.5) == (A, 50)


def test_a_failing_server_does_not_hold_up_others() -> None:
    turns = Turns(100)
    _fail(turns, A, 0.0)
    turns.wake(A, 0.0)
    turns.wake(B, 0.0)
    assert _take_all(turns, 1.0) == {B: 50}


def test_a_probe_too_waits_for_a_free_place() -> None:
    turns = Turns(1)
    _fail(turns, A, 0.0)
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
        _take(turns, 0.0, waiting=1)
        turns.ended(origin, alive=False, now=0.0, asked=asked)
        turns.wake(origin, 0.0)
        assert turns.next(pause - 0.1) is None
        assert turns.next_time() == pause
        assert _take(turns, pause, waiting=0) == (origin, 0)


def test_good_attempts_on_their_way_do_not_undo_the_pause_that_a_server_asked_for() -> None:
    turns = Turns(100)
    turns.wake(A, 0.0)
    _take_all(turns, 0.0, waiting=2)
    turns.ended(A, alive=False, now=0.0, asked=30.0)
    turns.ended(A, alive=True, now=0.1)
    turns.wake(A, 0.1)
    assert turns.next(29.9) is None
    assert turns.next(30.0) == (A, 50)


def test_a_shorter_pause_asked_for_later_does_not_cut_the_longer_one() -> None:
    turns = Turns(100)
    turns.wake(A, 0.0)
    _take_all(turns, 0.0, waiting=2)
    turns.ended(A, alive=False, now=0.0, asked=30.0)
    turns.ended(A, alive=False, now=1.0, asked=1.0)
    turns.wake(A, 1.0)
    assert turns.next(29.0) is None


# --- memory and speed ---


def _size(turns: Turns) -> int:
    return len(pickle.dumps(turns))


def test_a_server_for_which_nothing_waits_is_forgotten() -> None:
    turns = Turns(10)
    empty = _size(turns)
    for number in range(1000):
        origin = f"http://{number}:80"
        turns.wake(origin, 0.0)
        _take(turns, 0.0, waiting=1)
        turns.ended(origin, alive=True, now=0.0)
        turns.wake(origin, None)
    assert _size(turns) < empty + 100


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
    assert _size(turns) < 10_000
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
        while turn := _take(turns, now, waiting=0):
            order.append(turn[0])
    assert order == servers[::-1]


def _seconds_for_1000_turns(servers: int) -> float:
    turns = Turns(100)
    for number in range(servers):
        turns.wake(f"http://{number}:80", 0.0)
    turns.next(0.0)
    turns.took("http://0:80", 0, 0.0)
    began = time.perf_counter()
    for _ in range(1000):
        turn = turns.next(0.0)
        assert turn is not None
        turns.took(turn[0], 0, 0.0)
    return time.perf_counter() - began


def test_a_turn_takes_hardly_longer_when_many_servers_wait_for_theirs() -> None:
    few = min(_seconds_for_1000_turns(10) for _ in range(3))
    assert _seconds_for_1000_turns(30_000) < 50 * few, "a walk past all would take 1000 times"


# --- whatever happens ---


class _World:
    """Servers with deliveries that are due at some time; ``step`` does what the deliverer would."""

    def __init__(self, places: int) -> None:
        self.now = 0.0
        self.turns = Turns(places)
        self.free = places
        self.waiting: dict[str, list[float]] = {origin: [] for origin in (A, B, C)}
        self.on_its_way = dict.fromkeys(self.waiting, 0)
        self.failed = dict.fromkeys(self.waiting, 0)  # in a row
        self.left_alone_until = dict.fromkeys(self.waiting, 0.0)

    def add(self, origin: str, later: float) -> None:
        self.waiting[origin].append(self.now + later)
        self.turns.wake(origin, self.now + later)

    def _next(self, origin: str) -> float | None:
        return min(self.waiting[origin], default=None)

    def take_turns(self, meanwhile: list[str]) -> None:
        """``meanwhile``: servers for which something comes while the store is asked."""
        while turn := self.turns.next(self.now):
            origin, limit = turn
            assert 1 <= limit <= self.free
            assert self.now >= self.left_alone_until[origin]
            if self.failed[origin] >= FAILURES_TO_OPEN:
                assert (limit, self.on_its_way[origin]) == (1, 0), "a probe is alone"
            due = sorted(at for at in self.waiting[origin] if at <= self.now)[:limit]
            for one in due:
                self.waiting[origin].remove(one)
            at = self.now if len(due) == limit else self._next(origin)
            if meanwhile:
                self.add(meanwhile.pop(), 0.0)
            self.on_its_way[origin] += len(due)
            self.free -= len(due)
            self.turns.took(origin, len(due), at)
        self._check_that_nobody_is_forgotten()

    def _check_that_nobody_is_forgotten(self) -> None:
        at = self.turns.next_time()
        assert at is None or at > self.now, "who asks again at that time must not spin"
        for origin, waiting in self.waiting.items():
            due = [max(one, self.left_alone_until[origin]) for one in waiting]
            on_its_way = self.on_its_way[origin]
            failing = self.failed[origin] >= FAILURES_TO_OPEN
            enough = on_its_way > 0 if failing else on_its_way >= self.free
            if not due or not self.free or enough:
                continue
            assert at is not None
            assert at <= max(min(due), self.now + LONGEST_PAUSE), f"it is the turn of {origin}"

    def end(self, origin: str, alive: bool, asked: float | None = None) -> None:
        if not self.on_its_way[origin]:
            return
        self.on_its_way[origin] -= 1
        self.free += 1
        was_failing = self.failed[origin] >= FAILURES_TO_OPEN
        self.failed[origin] = 0 if alive else self.failed[origin] + 1
        told = self.turns.ended(origin, alive, self.now, asked)
        is_failing = self.failed[origin] >= FAILURES_TO_OPEN
        opened = Circuit.OPENED if is_failing else Circuit.CLOSED
        assert told is (None if is_failing is was_failing else opened)
        if asked is not None:
            until = self.now + min(asked, LONGEST_ASKED_PAUSE)
            self.left_alone_until[origin] = max(self.left_alone_until[origin], until)
        self.turns.wake(origin, self._next(origin))

    def come_to_rest(self) -> None:
        """All that is under way ends well, and all that waits is taken, in a finite time."""
        for _ in range(1000):
            for origin, count in self.on_its_way.items():
                for _ in range(count):
                    self.end(origin, alive=True)
            self.take_turns([])
            if any(self.on_its_way.values()):
                continue
            at = self.turns.next_time()
            if at is None:
                break
            self.now = at
        assert self.waiting == {A: [], B: [], C: []}


_origins = st.sampled_from([A, B, C])
_steps = st.one_of(
    st.tuples(st.just("add"), _origins, st.sampled_from([0.0, 0.0, 0.0, 5.0, 300.0])),
    st.tuples(st.just("burst"), _origins),
    st.tuples(st.just("pass"), st.sampled_from([0.1, 1.0, 5.0, 70.0])),
    st.tuples(st.just("turns"), st.lists(_origins, max_size=2)),
    st.tuples(st.just("end"), _origins, st.booleans()),
    st.tuples(st.just("end"), _origins, st.just(False), st.sampled_from([0.0, 3.0, 120.0, 1e5])),
    st.tuples(st.just("all fail"), _origins),
)


@given(places=st.sampled_from([1, 2, 3, 10]), steps=st.lists(_steps, max_size=60))
@settings(reproducible, max_examples=1000)
def test_whatever_happens_each_server_gets_its_turn_and_nothing_is_left(
    places: int, steps: list[tuple[Any, ...]]
) -> None:
    world = _World(places)
    for step in steps:
        match step:
            case "add", origin, later:
                world.add(origin, later)
            case "burst", origin:
                for _ in range(2 * places):
                    world.add(origin, 0.0)
            case "pass", seconds:
                world.now += seconds
            case "turns", meanwhile:
                world.take_turns(list(meanwhile))
            case "end", origin, alive, *asked:
                world.end(origin, alive, *asked)
            case "all fail", origin:
                for _ in range(world.on_its_way[origin]):
                    world.end(origin, alive=False)
    world.come_to_rest()
    assert _size(world.turns) < _size(Turns(places)) + 500
