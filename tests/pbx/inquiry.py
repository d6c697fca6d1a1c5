"""Many questions to the PBX over one AMI login, as fast as it answers."""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from tests.pbx.asterisk import AMI_PORT, HOST, TEST_SECRET, TEST_USERNAME, Channel

ANSWER_SECONDS = 5.0
CLEAN_SECONDS = 0.5
SILENCED = -32767
_END = b"\r\n\r\n"

Fields = dict[str, str]


class Inquiry:
    """`async with Inquiry() as pbx:` logs in.

    Methods raise TimeoutError when there is no answer.
    """

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(HOST, AMI_PORT)
        try:
            await self._reader.readline()
            await self._ask("Login", Username=TEST_USERNAME, Secret=TEST_SECRET, Events="off")
        except BaseException:  # whoever asks may give up before the PBX lets it in
            self._writer.transport.abort()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def channels(self) -> list[Channel]:
        """The channels there are now."""
        await self._ask("CoreShowChannels")
        channels = []
        while (told := await self._read()).get("EventList") != "Complete":
            place = (told["Context"], told["Exten"], told["ChannelStateDesc"], told["Application"])
            channels.append(Channel(told["Channel"], *place, told["BridgeId"], told["Uniqueid"]))
        return channels

    async def snoops_on(self, leg: Channel) -> list[str]:
        """The names of the Snoops on a channel."""
        mark = f"Snoop/{leg.unique_id}-"
        return [leg.name for leg in await self.channels() if leg.name.startswith(mark)]

    async def variables(self, channels: Iterable[str], name: str) -> dict[str, str]:
        """A variable or function, "" when it is not set, of those channels that are there."""
        channels = list(channels)
        for channel in channels:
            self._send("Getvar", Channel=channel, Variable=name)
        answers = [(channel, await self._answer()) for channel in channels]
        return {channel: answer["Value"] for channel, answer in answers if "Value" in answer}

    async def silenced(self, channels: Iterable[str]) -> list[str]:
        """Those of these channels that have the gain of a hold."""
        gains = await self.variables(channels, "VOLUME(RX)")
        return [channel for channel, gain in gains.items() if _is_ours(gain)]

    async def traces_of_holds(self) -> list[str]:
        """Names of Snoops, and of channels that are silenced as a hold does it."""
        # A Snoop that has ended is listed until the next packet comes on the channel it was on.
        gains = await self.variables([c.name for c in await self.channels()], "VOLUME(RX)")
        return [
            channel
            for channel, gain in gains.items()
            if channel.startswith("Snoop/") or _is_ours(gain)
        ]

    async def nothing_is_left(self) -> None:
        """Nothing is there of any hold that ended just now, in time."""
        # Asking many takes its time: what counts is when it begins.
        now = asyncio.get_running_loop().time
        deadline = now() + CLEAN_SECONDS
        in_time = True
        while in_time:
            in_time = now() < deadline
            if not (traces := await self.traces_of_holds()):
                return
        raise AssertionError(f"left behind: {traces}")

    async def _ask(self, action: str, **headers: str) -> Fields:
        self._send(action, **headers)
        return await self._answer()

    def _send(self, action: str, **headers: str) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._writer.write(f"Action: {action}\r\n{lines}\r\n".encode())

    async def _answer(self) -> Fields:
        while "Response" not in (answer := await self._read()):
            pass
        return answer

    async def _read(self) -> Fields:
        async with asyncio.timeout(ANSWER_SECONDS):
            message = (await self._reader.readuntil(_END)).decode()
        return dict(line.split(": ", 1) for line in message.splitlines() if ": " in line)


def _is_ours(gain: str) -> bool:
    return float(gain or 0) == SILENCED
