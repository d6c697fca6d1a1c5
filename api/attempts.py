"""How often somebody may fail before it is to wait. Pure: times come in, in seconds."""

from collections import OrderedDict
from collections.abc import Hashable

_WINDOW = 60.0
_REMEMBERED = 10_000


class Attempts:
    """At most ``limit`` failures of each within a minute.

    Who failed longest ago is forgotten first when there are more than 10,000 to remember.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._failures: OrderedDict[Hashable, list[float]] = OrderedDict()

    def wait(self, who: Hashable, now: float) -> float:
        """Seconds until this one may fail again, 0 if it may now."""
        recent = self._recent(who, now)
        return recent[0] + _WINDOW - now if len(recent) >= self._limit else 0.0

    def failed(self, who: Hashable, now: float) -> None:
        """This one has just failed."""
        self._failures[who] = [*self._recent(who, now), now][-self._limit :]
        self._failures.move_to_end(who)
        if len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def _recent(self, who: Hashable, now: float) -> list[float]:
        return [time for time in self._failures.get(who, ()) if now - time < _WINDOW]
