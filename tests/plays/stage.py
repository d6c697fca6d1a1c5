"""Where a play is played: the PBX, its phones, and what an operator or another app does to it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Self

from tests.pbx.asterisk import Asterisk, Channel
from tests.pbx.manager import ami
from tests.pbx.other_app import OtherApp
from tests.pbx.patience import deadline
from tests.pbx.phone import Phone

# A phone alone in a conference is told so before it gets in or, if it hangs up, is let go.
PATIENCE = 10.0


class Stage(ABC):
    """`async with SomeStage(pbx) as stage:`; at the end the phones are gone, not their calls.

    What happens at each step of a play is for the kind of stage to say.
    """

    def __init__(self, pbx: Asterisk) -> None:
        self.pbx = pbx
        self._cast = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._cast.aclose()

    @abstractmethod
    async def step(self, name: str) -> None:
        """The play has come this far, and nothing more happens until the next order."""

    async def over(self) -> None:
        """The last step of a play, "over", once the PBX has no channel left."""
        await self._until(lambda channels: not channels)
        await self.step("over")

    async def optimized(self) -> None:
        """Waits until the PBX has taken its Local channels out of the way."""
        await self._until(lambda channels: not any(c.name.startswith("Local/") for c in channels))

    async def bridged(self, extension: str) -> None:
        """Waits until the PBX has a phone in a bridge with others, or alone in a conference."""
        name = self.channel(extension)
        await self._until(lambda channels: any(c.name == name and c.bridge for c in channels))

    async def in_queue(self, extension: str) -> None:
        """Waits until the PBX has a phone in a queue, which is just after it was answered."""
        name = self.channel(extension)
        await self._until(
            lambda channels: any(c.name == name and c.application == "Queue" for c in channels)
        )

    async def let_go(self, extension: str) -> None:
        """Waits until the PBX has no channel to a phone any more."""
        prefix = f"PJSIP/{extension}-"
        await self._until(lambda channels: not any(c.name.startswith(prefix) for c in channels))

    async def phones(self, *extensions: str) -> list[Phone]:
        """Plugs in these phones of the PBX, in this order."""
        return [await self.phone(extension) for extension in extensions]

    async def phone(self, extension: str) -> Phone:
        """Plugs in one phone of the PBX."""
        return await self._cast.enter_async_context(Phone.known(extension))

    async def other_app(self) -> OtherApp:
        """Another ARI client, whose application takes the calls to 0003*640."""
        return await self._cast.enter_async_context(OtherApp())

    async def ami(self, action: str, **headers: str) -> str:
        """The answer to an AMI action; RuntimeError when it is no Success."""
        return await ami(action, **headers)

    def channel(self, extension: str) -> str:
        """The name of the PBX's channel to a phone, the last one if there are several."""
        prefix = f"PJSIP/{extension}-"
        return max(c.name for c in self.pbx.channels() if c.name.startswith(prefix))

    async def _until(self, true: Callable[[list[Channel]], bool]) -> None:
        channels: list[Channel] = []
        async with deadline(PATIENCE, lambda: f"the channels are {channels}"):
            while not true(channels := await asyncio.to_thread(self.pbx.channels)):
                await asyncio.sleep(0.05)
