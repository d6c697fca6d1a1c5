"""Refused requests in the log: a line for each while they are few, a sum when they are many."""

import asyncio
from collections import Counter
from collections.abc import Callable

_OF_EACH = 3
_OF_ALL = 30
_SORTS = 1000
_SHOWN = 5
_OTHERS = "others"


class Tally:
    """What came within a while: the first 3 of each sort are told, at most 30 in all.

    A sort is a status and whom it was for: ``401 access_denied, from 10.0.0.9``.
    """

    def __init__(self) -> None:
        self._told: Counter[str] = Counter()
        self._silent: Counter[str] = Counter()

    def tells(self, sort: str) -> bool:
        """Count one of this sort; whether it is to be told by itself."""
        if self._told[sort] < _OF_EACH and self._told.total() < _OF_ALL:
            self._told[sort] += 1
            return True
        known = sort in self._silent or len(self._silent) < _SORTS
        self._silent[sort if known else _OTHERS] += 1
        return False

    def rest(self) -> str | None:
        """How many of which sorts were not told; None if all were."""
        if not self._silent:
            return None
        others = self._silent.pop(_OTHERS, 0)
        shown = self._silent.most_common(_SHOWN)
        others += self._silent.total() - sum(count for _, count in shown)
        parts = [f"{count} times {sort}" for sort, count in shown]
        if others:
            parts.append(f"{others} {_OTHERS}")
        return "; ".join(parts)


class Refusals:
    """Writes refusals to the log, by ``write``; sums are of so many seconds."""

    def __init__(self, write: Callable[[str], None], seconds: float = 10.0) -> None:
        self._write = write
        self._seconds = seconds
        self._tally: Tally | None = None

    def tell(self, sort: str, text: str) -> None:
        """Something was refused; ``text`` has all about it."""
        if self._tally is None:
            self._tally = Tally()
            asyncio.get_running_loop().call_later(self._seconds, self._sum_up)
        if self._tally.tells(sort):
            self._write(f"refused: {text}")

    def _sum_up(self) -> None:
        rest = self._tally.rest() if self._tally else None
        self._tally = None
        if rest is not None:
            self._write(f"refused: more within {self._seconds:g} s: {rest}")
