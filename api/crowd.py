"""The connections of the HTTP server: how many there are, and what each waits for its client to do.

A phase has one time for all, so those that are in it longest are found at its begin.
"""

from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from config.settings import Http


class Phase(Enum):
    """What the client of a connection has to do next."""

    HEADER = "send the header of a request, the first one or one that it has begun"
    BODY = "send the body of a request"
    ANSWER = "take an answer"
    IDLE = "nothing: it may send another request"


class Connection(Protocol):
    """What happens to a connection whose client is late, or that is in the way of others."""

    def too_late(self, phase: Phase) -> bool:
        """Its client had [http] timeout for this; whether it is given as long again."""

    def make_room(self) -> None:
        """End it, for another one."""


class Crowd:
    """``limits`` gives the settings of the moment; never more than ``most`` connections, whatever
    they say."""

    def __init__(self, limits: Callable[[], Http], most: int) -> None:
        self.limits = limits
        self._most = most
        self._since: dict[Phase, OrderedDict[Connection, float]] = {
            phase: OrderedDict() for phase in Phase
        }
        self._phases: dict[Connection, Phase | None] = {}

    def join(self, connection: Connection) -> bool:
        """A new connection; False if there is no place for it, in which case it is not one of them.

        Where there are too many, the one that has waited longest for a header makes room, and if
        none does, the one that was idle longest.
        """
        if len(self._phases) >= min(self._most, self.limits().connections):
            waiting = self._since[Phase.HEADER] or self._since[Phase.IDLE]
            if not waiting:
                return False
            longest = next(iter(waiting))
            self.leave(longest)
            longest.make_room()
        self._phases[connection] = None
        return True

    def leave(self, connection: Connection) -> None:
        """It is closed, or as good as that."""
        phase = self._phases.pop(connection, None)
        if phase is not None:
            del self._since[phase][connection]

    def enter(self, connection: Connection, phase: Phase | None, now: float) -> None:
        """What it waits for from ``now`` on, if it did not do so before; None for nothing."""
        before = self._phases.get(connection)
        if phase is before or connection not in self._phases:
            return
        if before is not None:
            del self._since[before][connection]
        if phase is not None:
            self._since[phase][connection] = now
        self._phases[connection] = phase

    def hurry(self, now: float) -> None:
        """Tell those that have waited for too long; an idle one is no matter of ours."""
        limit = now - self.limits().timeout
        for phase in (Phase.HEADER, Phase.BODY, Phase.ANSWER):
            waiting = self._since[phase]
            while waiting and (longest := next(iter(waiting.items())))[1] <= limit:
                connection = longest[0]
                if connection.too_late(phase):
                    waiting[connection] = now
                    waiting.move_to_end(connection)
                else:
                    self.leave(connection)
