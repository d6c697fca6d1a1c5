"""Measuring two ways of the same work in turns, since machines are noisy.

Seconds are those of a core that this process had, so that what else runs counts less.
"""

import time
from collections.abc import Callable, Iterable
from statistics import median

ROUNDS = 7

Work = Callable[[], object]


def medians(one: Iterable[Work], other: Iterable[Work]) -> tuple[float, float]:
    """The median seconds of the works of each, done in turns for ROUNDS rounds.

    One round before warms up. How long it takes to make a work is not measured.
    """
    seconds: tuple[list[float], list[float]] = ([], [])
    for measured, works in zip(range(ROUNDS + 1), zip(one, other, strict=False), strict=False):
        for work, kept in zip(works, seconds, strict=True):
            started = time.process_time()
            work()
            if measured:
                kept.append(time.process_time() - started)
    return median(seconds[0]), median(seconds[1])
