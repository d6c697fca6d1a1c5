"""Work that must go on for ever: started again after a pause when it ends or fails."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """The pauses between starts, in seconds: they grow from ``first`` to ``longest``.

    ``jitter`` is the part of a pause, from 0 to 1, that chance may take off it.
    """

    first: float
    longest: float
    growth: float = 2.0
    jitter: float = 0.5

    def pause(self, ends: int, chance: float) -> float:
        """Seconds to wait after so many ends in a row; ``chance`` is from 0 to 1."""
        grown: float = self.first * self.growth ** min(ends - 1, 16)
        return min(self.longest, grown) * (1 - self.jitter * chance)


SOON = Pace(first=0.2, longest=1.5)


async def keep_running(
    name: str,
    run: Callable[[], Awaitable[Pace]],
    *,
    healthy_after: float = 10.0,
) -> None:
    """Run ``run`` again and again until cancelled, at the pace that its outcome calls for.

    It reports what went wrong itself; an exception that reaches this place is a bug, is logged
    with its traceback, and ends nothing. The pauses begin anew when the pace is another one than
    before, or a run has lasted for ``healthy_after`` seconds.
    """
    loop = asyncio.get_running_loop()
    before: Pace | None = None
    ends = 0
    while True:
        started = loop.time()
        try:
            pace = await run()
        except Exception:
            log.exception("%s failed and is started again", name)
            pace = SOON
        goes_on = pace == before and loop.time() - started < healthy_after
        before, ends = pace, ends + 1 if goes_on else 1
        await asyncio.sleep(pace.pause(ends, random.random()))  # noqa: S311
