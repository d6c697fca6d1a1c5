"""Work that must go on for ever: started again with backoff and jitter when it ends or fails."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

FIRST_DELAY = 0.2
LONGEST_DELAY = 5.0


def backoff(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row; ``chance`` from 0 to 1 is the jitter.

    The delay doubles from FIRST_DELAY to LONGEST_DELAY, and at least half of it is waited.
    """
    delay: float = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 16))
    return delay * (0.5 + chance / 2)


async def keep_running(
    name: str,
    run: Callable[[], Awaitable[None]],
    *,
    healthy_after: float = 10.0,
) -> None:
    """Run ``run`` again and again until cancelled.

    It reports what went wrong itself; an exception that reaches this place is a bug, is logged
    with its traceback, and ends nothing. A run of ``healthy_after`` seconds clears the backoff.
    """
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        started = loop.time()
        try:
            await run()
        except Exception:
            log.exception("%s failed and is started again", name)
        failures = 1 if loop.time() - started >= healthy_after else failures + 1
        await asyncio.sleep(backoff(failures, random.random()))  # noqa: S311
