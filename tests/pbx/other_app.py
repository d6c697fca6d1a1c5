"""Another ARI client with calls of its own, as an operator may have one beside the daemon."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Self

import aiohttp

from tests.pbx.asterisk import ARI_PASSWORD, ARI_URL, ARI_USERNAME

NAME = "other-app"
PATIENCE = 5.0


class OtherApp:
    """`async with OtherApp() as app:` connects it; what it started stays on the PBX at the end.
    The PBX knows several by name.

    Requests that the PBX refuses raise aiohttp.ClientResponseError.
    """

    def __init__(self, name: str = NAME) -> None:
        self.name = name
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        session = aiohttp.ClientSession(
            headers={"Authorization": aiohttp.encode_basic_auth(ARI_USERNAME, ARI_PASSWORD)},
            raise_for_status=True,
        )
        self._session = await self._open.enter_async_context(session)
        line = session.ws_connect(f"{ARI_URL}/events", params={"app": self.name})
        self._line = await self._open.enter_async_context(line)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def given_a_call(self) -> str:
        """Waits for a channel that enters the application; its id."""
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self._line.receive_json()
                if event["type"] == "StasisStart":
                    channel: str = event["channel"]["id"]
                    return channel

    async def call(self, extension: str) -> None:
        """Calls a phone; its channel enters the application when it answers."""
        await self._do("POST", "channels", endpoint=f"PJSIP/{extension}", app=self.name)

    async def answer(self, channel: str) -> None:
        await self._do("POST", f"channels/{channel}/answer")

    async def hang_up(self, channel: str) -> None:
        await self._do("DELETE", f"channels/{channel}")

    async def make_bridge(self) -> str:
        """A new mixing bridge; its id."""
        bridge: str = (await self._do("POST", "bridges", type="mixing"))["id"]
        return bridge

    async def add(self, channel: str, bridge: str) -> None:
        await self._do("POST", f"bridges/{bridge}/addChannel", channel=channel)

    async def remove(self, channel: str, bridge: str) -> None:
        await self._do("POST", f"bridges/{bridge}/removeChannel", channel=channel)

    async def destroy(self, bridge: str) -> None:
        await self._do("DELETE", f"bridges/{bridge}")

    async def _do(self, method: str, path: str, **parameters: str) -> Any:
        url = f"{ARI_URL}/{path}"
        async with self._session.request(method, url, params=parameters) as response:
            return await response.json() if response.status == 200 else None
