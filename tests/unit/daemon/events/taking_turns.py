"""Servers, and taking turns for them without a store; the times are made up."""

import pickle
from collections import defaultdict

from daemon.events.turns import FAILURES_TO_OPEN, Turns

A, B, C = "http://a:80", "http://b:80", "http://c:80"


def take(turns: Turns, now: float, waiting: int = 1000) -> tuple[str, int] | None:
    """Begin what the server whose turn it is may begin; so much waits for it, all due."""
    turn = turns.next(now)
    if turn is None:
        return None
    origin, limit = turn
    count = min(limit, waiting)
    turns.took(origin, count, now if count == limit else None)
    return origin, count


def take_all(turns: Turns, now: float, waiting: int = 1000) -> dict[str, int]:
    """Take turns until nobody has one; how many attempts each server has begun."""
    taken: dict[str, int] = defaultdict(int)
    while turn := take(turns, now, waiting):
        taken[turn[0]] += turn[1]
    return dict(taken)


def fail(turns: Turns, origin: str, now: float, times: int = FAILURES_TO_OPEN) -> None:
    for _ in range(times):
        turns.wake(origin, now)
        assert take(turns, now, waiting=1) == (origin, 1)
        turns.ended(origin, alive=False, now=now)


def size(turns: Turns) -> int:
    """How much it remembers."""
    return len(pickle.dumps(turns))
