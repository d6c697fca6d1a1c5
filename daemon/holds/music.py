"""What the PBX tells of the music of a hold that begins: its success alone says nothing of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

_TOLD_WITHIN = 0.3


class Music:
    """Waits for MusicOnHoldStart events of Snoop channels."""

    def __init__(self) -> None:
        self._expected: dict[str, asyncio.Future[str]] = {}

    @contextmanager
    def expected(self, snoop: str) -> Iterator[Callable[[], Awaitable[str | None]]]:
        """A function that waits a moment for the class that plays; None if none is told of."""
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._expected[snoop] = told

        async def playing() -> str | None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_TOLD_WITHIN):
                    return await told
            return None

        try:
            yield playing
        finally:
            del self._expected[snoop]

    def started(self, snoop: str, music: str) -> None:
        """The PBX tells that this channel plays this class."""
        told = self._expected.get(snoop)
        if told is not None and not told.done():
            told.set_result(music)
