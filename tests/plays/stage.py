"""Where a play is played: the PBX, its phones, and what an operator or another app does to it."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from typing import Self

from tests.pbx.asterisk import Asterisk
from tests.pbx.manager import ami
from tests.pbx.other_app import OtherApp
from tests.pbx.phone import Phone

# A phone that hangs up in a conference is still told something before the PBX lets it go.
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
        async with asyncio.timeout(PATIENCE):
            while await asyncio.to_thread(self.pbx.channels):
                await asyncio.sleep(0.05)
        await self.step("over")

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
