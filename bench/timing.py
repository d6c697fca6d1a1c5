"""Measuring two ways of the same work in turns, since machines are noisy."""

import time
from collections.abc import Callable
from statistics import median

ROUNDS = 7


def medians(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """The median seconds of each, run alternately ROUNDS times after one round to warm up."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for measured in range(ROUNDS + 1):
        for work, kept in zip((one, other), seconds, strict=True):
            started = time.perf_counter()
            work()
            if measured:
                kept.append(time.perf_counter() - started)
    return median(seconds[0]), median(seconds[1])
