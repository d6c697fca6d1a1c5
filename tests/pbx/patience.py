"""Waiting for what a robot phone becomes, and repeating an order until it has been followed."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

PATIENCE = 5.0
# Between repetitions of an order that does no harm when it is followed twice, and of one that
# does: what was lost in the middle of an exchange has to be told apart from what takes its time.
SOON = (0.1, 0.3)
LATER = (1.0, 1.2)


class Changes:
    """Conditions are looked at again whenever `tell` is called."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def tell(self) -> None:
        """Something may have become true."""
        self._changed.set()

    async def until(self, true: Callable[[], bool]) -> None:
        """Waits until the condition is true."""
        while not true():
            self._changed.clear()
            await self._changed.wait()

    async def insist(
        self, order: Callable[[], None], done: Callable[[], bool], again: tuple[float, float] = SOON
    ) -> None:
        """Gives the order until it has been followed, with pauses of `again` seconds."""
        # An order that comes in the middle of an exchange with the PBX gets lost, a re-INVITE is
        # refused if the PBX sends one at the same time, and a CANCEL may come after the answer.
        while not done():
            order()
            with suppress(TimeoutError):
                async with asyncio.timeout(random.uniform(*again)):
                    await self.until(done)


@asynccontextmanager
async def deadline(within: float, story: Callable[[], str]) -> AsyncIterator[None]:
    """TimeoutError with the story when the block takes longer than `within` seconds."""
    try:
        async with asyncio.timeout(within):
            yield
    except TimeoutError:
        raise TimeoutError(f"{story()}, after {within} s") from None
