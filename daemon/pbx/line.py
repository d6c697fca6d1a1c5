"""What both lines to the PBX have in common: how an action can fail, and how a line stands."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from daemon.supervise import SOON, Pace, keep_running

log = logging.getLogger(__name__)

CONNECT_DEADLINE = 2.0
# A login that is refused looks like an attack to the PBX's guards (fail2ban), and seldom mends.
AFTER_REFUSAL = Pace(first=10.0, longest=300.0, growth=3.0, jitter=0.1)
REMINDER_INTERVAL = 3600.0


class PbxError(Exception):
    """An action on the PBX had no success; the text is a sentence for the log and the answer."""


class PbxUnavailable(PbxError):
    """The line is down, or was lost before the answer: what was asked may or may not be done."""


class PbxTimeout(PbxUnavailable):
    """No answer within the deadline."""


class PbxRefused(PbxError):
    """The PBX answered, and said no. ``status`` is ARI's HTTP status, None for AMI."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class LineState(StrEnum):
    DOWN = "down"
    REFUSED = "refused"  # the PBX answers and does not accept the login
    UP = "up"


@dataclass(frozen=True, slots=True)
class LineStatus:
    """``since`` is when the state began; ``last_message_age`` is how many seconds ago anything
    came from the PBX, None if nothing ever did."""

    state: LineState
    reason: str
    since: datetime
    last_message_age: float | None


class Line(ABC):
    """Kept connected for ever. Each change of how it stands is logged once, however often it is
    tried in between."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._settled = asyncio.Event()
        self._state = LineState.DOWN
        self._reason = "not connected yet"
        self._since = datetime.now(UTC)
        self._heard: float | None = None
        self._told = 0.0
        self._on_change: Callable[[], None] = lambda: None

    @property
    def status(self) -> LineStatus:
        age = None if self._heard is None else time.monotonic() - self._heard
        return LineStatus(self._state, self._reason, self._since, age)

    def watch(self, on_change: Callable[[], None]) -> None:
        """Have this called after each change of the state or its reason."""
        self._on_change = on_change

    async def run(self) -> None:
        """Connect, log in and stay so until cancelled."""
        await keep_running(f"{self.name} line", self._attempt)

    async def settled(self) -> None:
        """Wait until the first attempt to connect has ended, well or not."""
        await self._settled.wait()

    @abstractmethod
    async def _connect_once(self) -> Pace:
        """Connect and stay so until the end; the pace at which to try again."""

    async def _attempt(self) -> Pace:
        try:
            return await self._connect_once()
        except Exception:
            self._set_down("a fault of uapid itself, which the log has")
            raise

    def _hear(self) -> None:
        """Something came from the PBX."""
        self._heard = time.monotonic()

    def _set_up(self, where: str) -> None:
        log.info("%s: connected to %s", self.name, where)
        self._set(LineState.UP, where)

    def _set_down(self, reason: str) -> Pace:
        """The line cannot be used; the pace at which to try again."""
        if (self._state, self._reason) != (LineState.DOWN, reason):
            log.error("%s: %s; trying again", self.name, reason)
        self._set(LineState.DOWN, reason)
        return SOON

    def _set_refused(self, reason: str) -> Pace:
        """The PBX does not let us in; the pace at which to try again."""
        now = time.monotonic()
        same = (self._state, self._reason) == (LineState.REFUSED, reason)
        if not same or now - self._told >= REMINDER_INTERVAL:
            log.error(
                "%s: %s; tried again at growing distances up to %g s, and at once after a restart",
                self.name,
                reason,
                AFTER_REFUSAL.longest,
            )
            self._told = now
        self._set(LineState.REFUSED, reason)
        return AFTER_REFUSAL

    def _set(self, state: LineState, reason: str) -> None:
        before = self._state, self._reason
        if state is not self._state:
            self._since = datetime.now(UTC)
        self._state, self._reason = state, reason
        self._settled.set()
        if before != (state, reason):
            self._on_change()
