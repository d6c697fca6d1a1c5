"""Whose turn it is: servers take turns, so that none waits for another. Pure; time comes in.

A server (an origin, ``scheme://host:port``) may have as many attempts on their way as there are
places free for others too: one alone gets half of all places, six that hold on to theirs leave some
of 100, and the last ones go to servers that have none. A server that keeps failing has its circuit
open: it gets one attempt, the probe, after a pause that grows; the first good attempt closes it.
"""

import heapq
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum, auto

FAILURES_TO_OPEN = 5
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 60.0
LONGEST_ASKED_PAUSE = 600.0
_STALE = 100


class Circuit(Enum):
    """What an attempt has changed about a server."""

    OPENED = auto()
    CLOSED = auto()


@dataclass(slots=True)
class _Server:
    on_its_way: int = 0
    failures: int = 0  # in a row
    probed: bool = False
    pause: float = 0.0
    paused_until: float = 0.0
    asked_until: float = 0.0
    wake_at: float | None = None
    listed_at: float | None = None
    looked_after: bool = False

    @property
    def failing(self) -> bool:
        return self.failures >= FAILURES_TO_OPEN

    @property
    def not_before(self) -> float:
        return max(self.paused_until, self.asked_until)


class Turns:
    """``places`` is how many attempts can be on their way at a time. Times are Unix times."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._servers: dict[str, _Server] = {}
        self._ready: OrderedDict[str, None] = OrderedDict()
        self._later: list[tuple[float, str]] = []

    def wake(self, origin: str, at: float | None) -> None:
        """This server may have something to do at that time; None: nothing that is known."""
        server = self._servers.setdefault(origin, _Server())
        if at is not None:
            server.wake_at = at if server.wake_at is None else min(at, server.wake_at)
            self._list(origin, server)
        elif server.wake_at is None and not server.on_its_way and not server.looked_after:
            del self._servers[origin]

    def next(self, now: float) -> tuple[str, int] | None:
        """The server whose turn it is, and how many attempts it may begin; ``took`` has to follow.

        None: nobody's, before ``next_time``, or an attempt ends.
        """
        while self._later and self._later[0][0] <= now:
            at, origin = heapq.heappop(self._later)
            server = self._servers.get(origin)
            if server is None or server.listed_at != at:
                continue  # it was listed anew since
            server.listed_at = None
            self._ready[origin] = None
        if not self._free:
            return None
        turn = None
        paused = []
        for origin in self._ready:
            server = self._servers[origin]
            if server.not_before > now:
                paused.append(origin)
            elif (limit := self._limit(server)) > 0:
                # What is told from here on may be news to who now looks what is due.
                server.looked_after, server.wake_at = True, None
                turn = origin, limit
                break
        for origin in paused:
            del self._ready[origin]
            self._list(origin, self._servers[origin])
        return turn

    def next_time(self) -> float | None:
        """When ``next`` has something to say although nothing has happened; None: never."""
        return self._later[0][0] if self._later else None

    def took(self, origin: str, count: int, at: float | None) -> None:
        """So many attempts have begun; more may at that time, None if nothing else waits."""
        server = self._servers[origin]
        server.looked_after = False
        server.probed = server.failing
        server.on_its_way += count
        self._free -= count
        del self._ready[origin]
        self._list(origin, server)  # what was told while it was looked after
        self.wake(origin, at)

    def may_go_on(self, origin: str, now: float) -> bool:
        """Whether it may have another attempt at once, out of its turn; ``goes_on`` follows."""
        server = self._servers.get(origin)
        return server is not None and server.not_before <= now and self._limit(server) > 0

    def goes_on(self, origin: str) -> None:
        """It has begun another attempt."""
        self._servers[origin].on_its_way += 1
        self._free -= 1

    def ended(
        self, origin: str, alive: bool, now: float, asked: float | None = None
    ) -> Circuit | None:
        """An attempt has ended; ``alive`` if the server has shown that it works.

        ``asked`` is how many seconds it asked to be left alone.
        """
        server = self._servers[origin]
        server.on_its_way -= 1
        self._free += 1
        was_failing = server.failing
        if alive:
            server.failures, server.pause, server.paused_until = 0, 0.0, 0.0
            self._list(origin, server)
        else:
            server.failures += 1
            # Those that were on their way when it opened say nothing new.
            if server.failing and (server.probed or not was_failing):
                server.pause = min(LONGEST_PAUSE, server.pause * 2 or FIRST_PAUSE)
                server.paused_until = now + server.pause
        server.probed = False
        if asked is not None:
            asked_until = now + min(asked, LONGEST_ASKED_PAUSE)
            server.asked_until = max(server.asked_until, asked_until)
        if server.failing is was_failing:
            return None
        return Circuit.OPENED if server.failing else Circuit.CLOSED

    def _limit(self, server: _Server) -> int:
        if server.failing:
            return 0 if server.on_its_way else 1
        return (self._free - server.on_its_way + 1) // 2

    def _list(self, origin: str, server: _Server) -> None:
        if server.wake_at is None or origin in self._ready:
            return
        at = max(server.wake_at, server.not_before)
        if server.listed_at is None or at < server.listed_at:
            server.listed_at = at
            heapq.heappush(self._later, (at, origin))
            if len(self._later) > 2 * len(self._servers) + _STALE:
                self._drop_stale()

    def _drop_stale(self) -> None:
        """Those listed anew, or forgotten, would else stay until their time, up to a day."""
        self._later = [
            (server.listed_at, origin)
            for origin, server in self._servers.items()
            if server.listed_at is not None
        ]
        heapq.heapify(self._later)
