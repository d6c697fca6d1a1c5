"""Two phones in conversation as their app knows it, and many such pairs at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from tests.pbx import manager
from tests.pbx.call import Manners, State
from tests.pbx.client import Answer, Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.holding import CLEAN_SECONDS, hear_each_other
from tests.pbx.phone import Phone
from tests.pbx.tones import NO_PACKETS, SILENT
from tests.pbx.trio import spied_on

FOLLOWS_SECONDS = 0.5
ASKS_EVERY = 0.05

T = TypeVar("T")
Holders = tuple[str | None, ...]


async def all_of(rows: Mapping[str, Coroutine[Any, Any, None]]) -> None:
    """Runs the rows of a table at the same time; an ExceptionGroup names those that failed."""
    outcomes = await asyncio.gather(*rows.values(), return_exceptions=True)
    failed = []
    for row, outcome in zip(rows, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            outcome.add_note(f"in the row: {row}")
            failed.append(outcome)
    if failed:
        raise BaseExceptionGroup(f"{len(failed)} of {len(rows)} rows failed", failed)


@dataclass
class Pair:
    """A conversation: `one` called `two`. `channels` and `uniqueids` are theirs on the PBX, `call`
    is the PhoneCall, whose views are in the same order."""

    app: Client
    one: Phone
    two: Phone
    call: dict[str, Any]
    channels: tuple[str, str]
    uniqueids: set[str]
    _heard: dict[Phone, tuple[str, float]] = field(default_factory=dict)

    @classmethod
    async def talking(
        cls,
        app: Client,
        plug_in: PlugIn,
        caller: str,
        called: str,
        manners: tuple[Manners | None, Manners | None] = (None, None),
    ) -> Self:
        """Two phones that hear each other, with what they make of a NOTIFY."""
        one, two = await asyncio.gather(plug_in(caller, manners[0]), plug_in(called, manners[1]))
        two.will_answer()
        await one.call(called)
        await asyncio.gather(one.answered(), two.answered())
        await hear_each_other(one, two)
        return await cls.of(app, one, two)

    @classmethod
    async def of(cls, app: Client, one: Phone, two: Phone) -> Self:
        """Two phones that hear each other already."""
        (call,) = await app.calls(one.extension)
        there = await manager.channels()
        first, second = (
            next(channel for channel in there if channel.name.startswith(f"PJSIP/{extension}-"))
            for extension in (one.extension, two.extension)
        )
        now = asyncio.get_running_loop().time()
        heard = {one: (two.tone_letter, now), two: (one.tone_letter, now)}
        names, uniqueids = (first.name, second.name), {first.unique_id, second.unique_id}
        return cls(app, one, two, call, names, uniqueids, heard)

    async def hold(self, by: Phone | None = None) -> Answer:
        """OnHold by one of the two, `one` if none is named."""
        return await self.app.hold(self.call, *self._named(by or self.one))

    async def resume(self, by: Phone | None = None) -> Answer:
        """OffHold by one of the two, `one` if none is named."""
        return await self.app.resume(self.call, *self._named(by or self.one))

    def _named(self, phone: Phone) -> tuple[str, str]:
        return phone.extension, "01" if phone is self.one else "02"

    async def hear(self, by_one: str, by_two: str, meanwhile: str = "") -> None:
        """Both come to hear this, as `hears` has it."""
        await asyncio.gather(
            self.hears(self.one, by_one, meanwhile), self.hears(self.two, by_two, meanwhile)
        )

    async def hear_each_other(self) -> None:
        await self.hear(self.two.tone_letter, self.one.tone_letter)

    async def hears(self, phone: Phone, sound: str, meanwhile: str = "") -> None:
        """One of the two comes to hear this, and goes on hearing nothing else for a second.

        In between it hears what it heard before, this, both, or nothing; and `meanwhile`, if that
        is given.
        """
        before, since = self._heard[phone]
        await phone.hears(sound)
        settled = asyncio.get_running_loop().time()
        heard = await phone.listen(1)
        assert heard == [sound] * 2, f"{phone.extension} hears {heard} and not just {sound!r}"
        between = phone.rtp.hears(since, settled)
        foreign = set("".join(between)) - {*before, *sound, *meanwhile, SILENT, NO_PACKETS}
        assert not foreign, f"{phone.extension} heard {between} between {before!r} and {sound!r}"
        self._heard[phone] = sound, asyncio.get_running_loop().time()

    async def shows(self, *by: str | None) -> None:
        """Within half a second GET says by what each view holds: "uapid", "phone", "both" or
        None."""

        async def says() -> list[Holders]:
            return [holders(call) for call in await self.app.calls(self.one.extension)]

        said = await _soon(says, lambda said: said == [by], FOLLOWS_SECONDS)
        assert said == [by], f"GET says {said}, not {by}"

    async def goes_on(self) -> None:
        """The call was not cut, and the two are still in their bridge."""
        assert (self.one.state, self.two.state) == (State.TALKING, State.TALKING)
        for channel, peer in (self.channels, self.channels[::-1]):
            assert await variable(channel, "BRIDGEPEER") == peer

    async def gains(self) -> tuple[str, str]:
        """VOLUME(RX) of both, "" if it was never set."""
        one, two = [await variable(channel, "VOLUME(RX)") for channel in self.channels]
        return one, two

    async def snoops(self) -> list[str]:
        """The Snoop channels on one of the two."""
        there = await manager.channels()
        return [channel.name for channel in there if spied_on(channel.name) in self.uniqueids]

    async def nothing_is_left(self) -> None:
        """Half a second after the end of a hold no Snoop lives and nobody is muted."""

        async def traces() -> list[str]:
            gains = [gain for gain in await self.gains() if "-32767" in gain]
            return gains + await self.snoops()

        left = await _soon(traces, lambda left: not left, CLEAN_SECONDS)
        assert not left, f"left behind: {left}"


async def _soon(look: Callable[[], Awaitable[T]], good: Callable[[T], bool], within: float) -> T:
    """What is seen once it is good, or else when the time is over: a look may take its time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        last = loop.time() >= deadline
        seen = await look()
        if last or good(seen):
            return seen
        await asyncio.sleep(ASKS_EVERY)


def holders(call: dict[str, Any]) -> Holders:
    """By what each view of a call holds the other side."""
    for view in call["phoneCallView"]:
        assert (view.get("holder") == 1) is ("onHold" in view) is ("onHoldBy" in view), view
    return tuple(view.get("onHoldBy") for view in call["phoneCallView"])


async def variable(channel: str, name: str) -> str:
    """The value of a channel's variable or function on the PBX, "" if the channel is gone."""
    try:
        answer = await manager.ami("Getvar", Channel=channel, Variable=name)
    except RuntimeError as error:
        if "No such channel" in str(error):
            return ""
        raise
    return answer.partition("\r\nValue: ")[2].partition("\r\n")[0]
