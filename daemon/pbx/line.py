"""What both lines to the PBX have in common: how an action can fail, and how a line stands."""

import asyncio
import logging
from dataclasses import dataclass
from enum import StrEnum

log = logging.getLogger(__name__)


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
    state: LineState
    reason: str


class Line:
    """How a line stands; each change is logged once, however often it is tried in between."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._settled = asyncio.Event()
        self.status = LineStatus(LineState.DOWN, "not connected yet")

    async def settled(self) -> None:
        """Wait until the first attempt to connect has ended, well or not."""
        await self._settled.wait()

    def _set_up(self, where: str) -> None:
        log.info("%s: connected to %s", self._name, where)
        self.status = LineStatus(LineState.UP, where)
        self._settled.set()

    def _set_down(self, state: LineState, reason: str) -> None:
        status = LineStatus(state, reason)
        if self.status != status:
            log.error("%s: %s; trying again", self._name, reason)
        self.status = status
        self._settled.set()
