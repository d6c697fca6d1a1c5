"""A hold done by hand: the calls of its recipe one after the other, and nothing else.

There is no watch, no check of what is there, and no memory of it.
"""

import asyncio
import uuid
from types import TracebackType
from typing import Self

import aiohttp

from tests.pbx.asterisk import (
    AMI_PORT,
    AMI_SECRET,
    AMI_USERNAME,
    ARI_PASSWORD,
    ARI_URL,
    ARI_USERNAME,
    HOST,
    Channel,
)

_APP = "by-hand"
_GAIN = "VOLUME(RX)"
_LEASE = "120"
_END = b"\r\n\r\n"
_RETRY = 0.005


class ByHand:
    """`async with ByHand(holder, held) as hand:`, the lines as the daemon has them."""

    def __init__(self, holder: Channel, held: Channel) -> None:
        self._holder = holder
        self._held = held
        self._snoop = ""
        self._gains = "", ""

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(HOST, AMI_PORT)
        await self._reader.readline()
        await self._ami("Login", Username=AMI_USERNAME, Secret=AMI_SECRET, Events="off")
        self._session = aiohttp.ClientSession(
            headers={"Authorization": aiohttp.encode_basic_auth(ARI_USERNAME, ARI_PASSWORD)}
        )
        self._events = await self._session.ws_connect(f"{ARI_URL}/events?app={_APP}")
        self._unread = asyncio.create_task(self._read_events())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unread.cancel()
        await self._events.close()
        await self._session.close()
        self._writer.close()
        await self._writer.wait_closed()

    async def hold(self) -> None:
        holder, held = self._holder.name, self._held.name
        self._gains = await self._get(holder), await self._get(held)
        snoop_id = uuid.uuid4().hex
        snooping = f"channels/{self._held.unique_id}/snoop/{snoop_id}"
        parameters = {"spy": "none", "whisper": "out", "app": _APP, "appArgs": f"hold,{holder}"}
        snoop = await self._ari("POST", snooping, **parameters)
        self._snoop = snoop["name"]
        for name, value in {
            "UAPID_HOLDER": holder,
            "UAPID_HELD": held,
            "UAPID_HOLDER_GAIN": self._gains[0],
            "UAPID_HELD_GAIN": self._gains[1],
            "CHANNEL(hangup_handler_push)": "uapid,unhold,1",
            "CDR_PROP(disable)": "1",
            "TIMEOUT(absolute)": _LEASE,
        }.items():
            await self._set(self._snoop, name, value)
        while "message" in await self._ari("POST", f"channels/{snoop_id}/moh"):
            await asyncio.sleep(_RETRY)  # it is not in the application yet
        await self._set(holder, _GAIN, "-32767")
        await self._set(held, _GAIN, "-32767")

    async def resume(self) -> None:
        for leg, gain in zip((self._holder, self._held), self._gains, strict=True):
            await self._set(leg.name, _GAIN, gain or "0")
        await self._ami("Hangup", Channel=self._snoop)

    async def _get(self, channel: str) -> str:
        answer = await self._ami("Getvar", Channel=channel, Variable=_GAIN)
        return answer.partition("Value: ")[2].partition("\r\n")[0]

    async def _set(self, channel: str, variable: str, value: str) -> None:
        await self._ami("Setvar", Channel=channel, Variable=variable, Value=value)

    async def _ami(self, action: str, **headers: str) -> str:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._writer.write(f"Action: {action}\r\n{lines}\r\n".encode())
        answer = (await self._reader.readuntil(_END)).decode()
        if not answer.startswith("Response: Success"):
            raise RuntimeError(f"AMI {action}: {answer}")
        return answer

    async def _ari(self, method: str, path: str, **parameters: str) -> dict[str, str]:
        """The answer's body, of which ``message`` is that of a refusal."""
        url = f"{ARI_URL}/{path}"
        async with self._session.request(method, url, params=parameters) as response:
            body: dict[str, str] = {} if response.status == 204 else await response.json()
            return body

    async def _read_events(self) -> None:
        async for _ in self._events:
            pass
