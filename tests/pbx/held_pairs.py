"""Pairs of phones in calls that go on, of which the first holds the other again and again."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

from tests.pbx.asterisk import Channel
from tests.pbx.call import State
from tests.pbx.client import Answer, Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.holding import CLEAN_SECONDS, talk
from tests.pbx.inquiry import Inquiry
from tests.pbx.phone import Phone
from tests.pbx.uapid import BASE_URL, Uapid

# Who calls, who is called, by which number, and the user that the caller is of.
Parties = tuple[str, str, str, int]
PAIRS: tuple[Parties, ...] = (
    ("0003*210", "0003*211", "0003*211", 12),
    ("0003*024", "0003*025", "0003*025", 12),
    ("0003*220", "0003*221", "0003*221", 12),  # these two send their media to each other
    ("0004*300", "trunk", "0311234567", 13),
)


class Traces(NamedTuple):
    """What the PBX has of a hold: how many Snoops play to the held phone, how many of them end by
    themselves, and how many of the two voices are silenced."""

    snoops: int
    leases: int
    silenced: int

    @property
    def whole(self) -> bool:
        """Whether it is all that a hold consists of."""
        return self.snoops == 1 and self.silenced == 2


NOTHING = Traces(0, 0, 0)


class Pair:
    """Two phones in conversation; `holder` called the other, and puts it on hold. `legs` are their
    channels on the PBX."""

    def __init__(
        self, app: Client, holder: Phone, held: Phone, call: dict[str, Any], legs: list[Channel]
    ) -> None:
        self.app = app
        self.holder = holder
        self.held = held
        self._call = call
        self.legs = legs

    def __repr__(self) -> str:
        return f"{self.holder.extension} and {self.held.extension}"

    async def hold(self) -> Answer:
        """OnHold."""
        return await self.app.hold(self._call, self.holder.extension)

    async def resume(self) -> Answer:
        """OffHold."""
        return await self.app.resume(self._call, self.holder.extension)

    async def told_held(self) -> bool | None:
        """Whether GET says that the holder holds; None when it cannot tell of calls."""
        answer = await self.app.get(f"/phoneCalls/@me/{self.holder.extension}")
        if answer.status == 503:
            return None
        assert answer.status == 200, answer
        (call,) = answer.body["entry"]
        assert call["id"] == self._call["id"]
        return "onHold" in call["phoneCallView"][0]

    def sound(self, held: bool) -> tuple[str, str]:
        """What both phones are to hear, the holder first."""
        return (".", "M") if held else (self.held.tone_letter, self.holder.tone_letter)

    def heard(self, start: float, end: float) -> list[tuple[str, str]]:
        """What both heard in each half second between two times of the loop's clock."""
        by_holder, by_held = (phone.rtp.hears(start, end) for phone in (self.holder, self.held))
        return list(zip(by_holder, by_held, strict=True))

    async def traces(self) -> Traces:
        """What the PBX has of a hold now."""
        async with Inquiry() as pbx:
            snoops = await pbx.snoops_on(self.legs[1])
            leases = await pbx.variables(snoops, "TIMEOUT(absolute)")
            silenced = await pbx.silenced(leg.name for leg in self.legs)
        return Traces(
            len(snoops), sum(float(left or 0) > 0 for left in leases.values()), len(silenced)
        )

    async def is_clean(self) -> None:
        """The PBX has nothing of a hold, in time."""
        traces = NOTHING
        try:
            async with asyncio.timeout(CLEAN_SECONDS):
                while (traces := await self.traces()) != NOTHING:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{self}: {traces} is left behind") from None

    async def is_not_cut(self) -> None:
        """Both phones talk, and the PBX has the same two channels in the same bridge as ever."""
        assert {self.holder.state, self.held.state} == {State.TALKING}, self
        async with Inquiry() as pbx:
            there = await pbx.channels()
        assert set(self.legs) <= set(there), self


@asynccontextmanager
async def pairs_of(
    uapid: Uapid, plug_in: PlugIn, parties: Sequence[Parties] = PAIRS
) -> AsyncIterator[list[Pair]]:
    """These pairs, once they talk."""
    async with AsyncExitStack() as stack:
        by_user = {
            user: await stack.enter_async_context(Client(BASE_URL, await uapid.token(user)))
            for user in {user for *_, user in parties}
        }
        yield await _in_conversation(by_user, plug_in, parties)


async def all_hold(pairs: Iterable[Pair]) -> None:
    """At the same time."""
    answers = await asyncio.gather(*(pair.hold() for pair in pairs))
    assert {answer.status for answer in answers} <= {200}, answers


async def all_resume(pairs: Iterable[Pair]) -> None:
    """At the same time; nothing is left of their holds."""
    pairs = list(pairs)
    answers = await asyncio.gather(*(pair.resume() for pair in pairs))
    assert {answer.status for answer in answers} <= {200}, answers
    await asyncio.gather(*(pair.is_clean() for pair in pairs))


async def _in_conversation(
    by_user: Mapping[int, Client], plug_in: PlugIn, parties: Sequence[Parties]
) -> list[Pair]:

    async def pair(caller: str, called: str, number: str, user: int) -> Pair:
        app = by_user[user]
        one, two = await talk(plug_in, caller, called, number)
        (call,) = await app.calls_until(lambda calls: len(calls) == 1, caller)
        async with Inquiry() as pbx:
            there = await pbx.channels()
        legs = [
            next(channel for channel in there if channel.name.startswith(f"PJSIP/{extension}-"))
            for extension in (caller, called)
        ]
        return Pair(app, one, two, call, legs)

    return list(await asyncio.gather(*(pair(*names) for names in parties)))
