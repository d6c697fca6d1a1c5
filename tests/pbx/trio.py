"""Three phones, of which there are several trios so that calls can be played at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Self, TypeVar

from tests.pbx.addresses import address
from tests.pbx.asterisk import Channel
from tests.pbx.manager import ami, channels
from tests.pbx.patience import PATIENCE, deadline
from tests.pbx.phone import Phone

T = TypeVar("T")

TRIOS = 3


class Trio:
    """`async with Trio(1) as trio:` plugs in Ana, Bob and Cleo, whose tones are A, B and C.

    They are 0003*411, 0003*412 and 0003*413 for the first trio, 0003*421 and so on for the next.
    At the end all that the PBX has of their calls is hung up.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.extensions = extensions(number)
        self.ana, self.bob, self.cleo = self.phones = [
            Phone(extension, address(10 * number + member), letter)
            for extension, member, letter in zip(self.extensions, (1, 2, 3), "ABC", strict=True)
        ]
        self._uniqueids: set[str] = set()
        self._cast = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await asyncio.gather(*(self._cast.enter_async_context(phone) for phone in self.phones))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._cast.aclose()
        while left := await self.channels():
            await asyncio.gather(
                *(ami("Hangup", Channel=channel.name) for channel in left), return_exceptions=True
            )

    def has(self, text: str) -> bool:
        """Whether the name of a channel or the number of a view is of this trio."""
        return any(extension in text for extension in self.extensions)

    async def channels(self) -> list[Channel]:
        """The PBX's channels to these phones, Local ones included, and the Snoops on any of them
        that was there when this was asked before."""
        there = await channels()
        self._uniqueids |= {channel.unique_id for channel in there if self.has(channel.name)}
        return [
            channel
            for channel in there
            if self.has(channel.name) or spied_on(channel.name) in self._uniqueids
        ]

    async def channel(self, phone: Phone) -> str:
        """The name of the PBX's channel to a phone, the last one if there are several."""
        prefix = f"PJSIP/{phone.extension}-"
        return max(c.name for c in await self.channels() if c.name.startswith(prefix))

    async def until(self, true: Callable[[list[Channel]], bool]) -> list[Channel]:
        """The trio's channels once this is true of them."""
        there: list[Channel] = []
        async with deadline(PATIENCE, lambda: f"the channels are {there}"):
            while not true(there := await self.channels()):
                await asyncio.sleep(0.02)
        return there

    def calls(self, calls: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those of the live calls that a phone of this trio has a view in."""
        return [call for call in calls if any(map(self.has, extensions_of(call)))]


def extensions(number: int) -> list[str]:
    """The numbers of Ana, Bob and Cleo of a trio."""
    return [f"0003*4{number}{member}" for member in (1, 2, 3)]


def extensions_of(call: dict[str, Any]) -> list[str]:
    return [view.get("extension", "") for view in call["phoneCallView"]]


def spied_on(channel: str) -> str | None:
    """The Uniqueid of the channel that a Snoop is on: `Snoop/<Uniqueid>-<number>`."""
    technology, _, rest = channel.partition("/")
    return rest.rpartition("-")[0] if technology == "Snoop" else None


async def at_the_same_time(
    plays: Sequence[Callable[[Trio], Awaitable[None]]],
) -> list[BaseException | None]:
    """Plays each with a trio of its own, as many at a time as there are; what each ended with."""
    free: asyncio.Queue[int] = asyncio.Queue()
    for number in range(1, TRIOS + 1):
        free.put_nowait(number)

    async def with_a_trio(play: Callable[[Trio], Awaitable[None]]) -> None:
        number = await free.get()
        try:
            async with Trio(number) as trio:
                await play(trio)
        finally:
            free.put_nowait(number)

    return await asyncio.gather(*map(with_a_trio, plays), return_exceptions=True)
