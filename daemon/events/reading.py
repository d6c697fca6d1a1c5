"""Reads from the outbox what is due, a little ahead of its turn.

A look for what is next after each attempt would cost more than the attempt. So for a server that
takes one delivery after the other some are read ahead. They are good for AHEAD_SECONDS, as their
PhoneCallEvent may be changed meanwhile.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from daemon.events.deliveries import Delivery
from daemon.events.outbox import Outbox

AHEAD = 200
AHEAD_SECONDS = 0.5


@dataclass(slots=True)
class _Server:
    """``taken``: webhook ids of what was read and has no outcome in the store yet."""

    taken: set[str] = field(default_factory=set)
    ahead: deque[Delivery] = field(default_factory=deque)
    good_until: float = 0.0
    has_more: bool = False


class Reading:
    """By server, given as its origin. Nothing is read twice until it is ``settled``.

    ``clock`` gives the Unix time.
    """

    def __init__(self, outbox: Outbox, clock: Callable[[], float] = time.time) -> None:
        self._outbox = outbox
        self._clock = clock
        self._servers: dict[str, _Server] = {}
        self._to_read: set[str] = set()

    @property
    def anything_taken(self) -> bool:
        return bool(self._servers)

    async def take(self, origin: str, limit: int) -> tuple[list[Delivery], float | None]:
        """What is to be sent now, and when more will be; see outbox_sql.due."""
        taken: list[Delivery] = []
        while len(taken) < limit and (delivery := self.take_ahead(origin)):
            taken.append(delivery)
        if len(taken) == limit:
            return taken, self._clock()
        read, at = await self._read(origin, limit - len(taken))
        return taken + read, at

    def take_ahead(self, origin: str) -> Delivery | None:
        """The next that was read ahead, if there is one and it is still good."""
        server = self._servers.get(origin)
        if server is None:
            return None
        if server.ahead and server.good_until < self._clock():
            self.give_back(origin)
        if server.has_more and len(server.ahead) <= AHEAD // 2:
            self._to_read.add(origin)
        return server.ahead.popleft() if server.ahead else None

    async def read_ahead(self) -> None:
        """Read for all servers that are soon to be out of it."""
        while self._to_read:
            origin = self._to_read.pop()
            deliveries, _ = await self._read(origin, AHEAD)
            if deliveries:
                server = self._servers[origin]
                server.ahead.extend(deliveries)
                server.good_until = self._clock() + AHEAD_SECONDS

    def give_back(self, origin: str) -> None:
        """Leave what was read ahead to a later look."""
        server = self._servers.get(origin)
        if server is not None:
            server.taken.difference_update(delivery.webhook_id for delivery in server.ahead)
            server.ahead.clear()
            server.has_more = False
            self._forget_if_idle(origin, server)

    def settled(self, origin: str, webhook_id: str) -> None:
        """The outcome of this one is in the store."""
        server = self._servers[origin]
        server.taken.discard(webhook_id)
        self._forget_if_idle(origin, server)

    async def _read(self, origin: str, limit: int) -> tuple[list[Delivery], float | None]:
        known = self._servers.get(origin)
        deliveries, at = await self._outbox.due(origin, known.taken if known else (), limit)
        if deliveries:
            server = self._servers.setdefault(origin, _Server())
            server.taken.update(delivery.webhook_id for delivery in deliveries)
            server.has_more = len(deliveries) == limit
        return deliveries, at

    def _forget_if_idle(self, origin: str, server: _Server) -> None:
        if not server.taken:
            del self._servers[origin]
