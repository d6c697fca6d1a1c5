"""An app's side of the UAPI: requests with a token, answers as JSON."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import aiohttp
from yarl import URL

PATIENCE = 5.0


class Answer(NamedTuple):
    """``body`` is the decoded JSON, None when there is no body."""

    status: int
    body: Any
    headers: dict[str, str]


class Client:
    """`async with Client(base_url, token) as app:`; paths start behind `/uapi`."""

    def __init__(self, base_url: str, token: str) -> None:
        self.base_url = base_url
        self._token = token
        self.authorization = f"Bearer {token}"
        self._headers = {
            "Authorization": self.authorization,
            "Content-Type": "application/json",
        }

    def anew(self) -> "Client":
        """The same app with connections of its own, not begun yet."""
        return Client(self.base_url, self._token)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def request(self, method: str, path: str, body: Any = None) -> Answer:
        url = URL(f"{self.base_url}/uapi{path}", encoded=True)
        async with self._session.request(method, url, json=body, allow_redirects=False) as response:
            text = await response.text()
            json = await response.json() if text else None
            return Answer(response.status, json, dict(response.headers))

    async def get(self, path: str) -> Answer:
        return await self.request("GET", path)

    async def put(self, path: str, body: Any) -> Answer:
        return await self.request("PUT", path, body)

    async def register(
        self, extension: str, type: int, url: str, method: int = 1, status: int = 1
    ) -> dict[str, Any]:
        """Create a PhoneCallEvent; the resource."""
        body = {"type": type, "method": method, "note": "", "url": url, "status": status}
        answer = await self.request("POST", f"/extensions/@me/{extension}/phoneCallEvents", body)
        assert answer.status == 201, answer
        event: dict[str, Any] = answer.body
        return event

    async def calls(self, extension: str = "@self") -> list[dict[str, Any]]:
        """The live calls of an extension; none while the PBX cannot be reached."""
        answer = await self.get(f"/phoneCalls/@me/{extension}")
        assert answer.status in (200, 204, 503), answer
        return answer.body["entry"] if answer.status == 200 else []

    async def calls_until(
        self, true: Callable[[list[dict[str, Any]]], bool], extension: str = "@self"
    ) -> list[dict[str, Any]]:
        """The live calls once this is true of them; TimeoutError tells what they are."""
        calls: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(PATIENCE):
                while not true(calls := await self.calls(extension)):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise TimeoutError(f"the calls are {calls}") from None
        return calls

    async def hold(self, call: dict[str, Any], extension: str, view: str = "01") -> Answer:
        """OnHold by this extension."""
        return await self._act("OnHold", call, extension, view)

    async def resume(self, call: dict[str, Any], extension: str, view: str = "01") -> Answer:
        """OffHold by this extension."""
        return await self._act("OffHold", call, extension, view)

    async def _act(self, action: str, call: dict[str, Any], extension: str, view: str) -> Answer:
        path = f"/phoneCalls/@me/{extension}/{call['id']}"
        return await self.put(path, {"action": action, "phoneCallViewId": view})
