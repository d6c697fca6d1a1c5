"""Waiting for a condition instead of sleeping in the hope that it is met."""

import asyncio
from collections.abc import Callable

DEADLINE = 10.0


async def until(condition: Callable[[], object], deadline: float = DEADLINE) -> None:
    """Return as soon as the condition is true; TimeoutError if that takes too long."""
    async with asyncio.timeout(deadline):
        while not condition():
            await asyncio.sleep(0.005)
