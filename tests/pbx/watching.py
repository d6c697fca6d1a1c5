"""What GET shows over time, asked all the time while calls are played."""

import asyncio
from contextlib import suppress
from typing import Any, NamedTuple, Self

from tests.pbx.client import Client

INTERVAL = 0.05


class Look(NamedTuple):
    """One answer of GET: when it was asked for and when it was there, in seconds of the loop's
    clock, and the live calls."""

    asked: float
    answered: float
    calls: list[dict[str, Any]]


class Watching:
    """`async with Watching(app) as watching:` asks for the live calls of all extensions."""

    def __init__(self, app: Client) -> None:
        self.looks: list[Look] = []
        self._app = app

    async def __aenter__(self) -> Self:
        self._asking = asyncio.create_task(self._ask())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._asking.cancel()
        with suppress(asyncio.CancelledError):
            await self._asking

    async def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            asked = loop.time()
            calls = await self._app.calls()
            self.looks.append(Look(asked, loop.time(), calls))
            await asyncio.sleep(INTERVAL)

    def between(self, start: float, end: float) -> list[Look]:
        """What was asked and answered between two times of the loop's clock."""
        return [look for look in self.looks if start <= look.asked and look.answered <= end]
