"""Whatever happens, each server gets its turn."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.events.turns import (
    FAILURES_TO_OPEN,
    LONGEST_ASKED_PAUSE,
    LONGEST_PAUSE,
    Circuit,
    Turns,
)
from tests.unit.daemon.events.taking_turns import A, B, C, size
from tests.unit.reproducible import reproducible


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
        if not alive:
            self.waiting[origin].append(self.now + 5.0)  # it is tried again
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
@settings(reproducible, max_examples=800)
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
    assert size(world.turns) < size(Turns(places)) + 500
