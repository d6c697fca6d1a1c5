"""Work that goes on when nobody waits for it, and that is waited for at the stop."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)


class Background:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed, which is a bug", task.get_name(), exc_info=error)

    async def finish(self, deadline: float) -> None:
        """Wait for what is in flight, at most this many seconds."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=deadline)
        for task in late:
            log.warning("%s: not finished at the stop, goes on at the next start", task.get_name())
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
