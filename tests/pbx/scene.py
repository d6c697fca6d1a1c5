"""A hold in a call of a trio, and what is to be true when it has ended."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from tests.pbx.call import State
from tests.pbx.client import Client
from tests.pbx.holding import CLEAN_SECONDS, hear, hear_each_other, is_silenced
from tests.pbx.manager import AmiEvents
from tests.pbx.phone import Phone
from tests.pbx.receiver import Receiver, Webhook
from tests.pbx.trio import Trio
from tests.pbx.watching import Watching

# Of the API, beyond when something has happened on the PBX.
TOLD_SECONDS = 0.5
# Of two phones that have just been connected.
SETTLED_SECONDS = 1.0
LISTEN_SECONDS = 1.0
# Of a packet, in a loop that is busy.
LATE_SECONDS = 0.05


class Scene:
    """One trio, with the app that holds, what AMI tells and what GET shows."""

    def __init__(self, trio: Trio, app: Client, events: AmiEvents, watching: Watching) -> None:
        self.trio = trio
        self.ana, self.bob, self.cleo = trio.phones
        self.app = app
        self.events = events
        self.watching = watching
        self._loop = asyncio.get_running_loop()

    @property
    def now(self) -> float:
        """The loop's clock, in seconds."""
        return self._loop.time()

    def pair(self, name: str) -> tuple[Phone, Phone]:
        """Ana and Bob, the one of this name first."""
        return (self.ana, self.bob) if name == "ana" else (self.bob, self.ana)

    async def talk(self, prefix: str = "") -> dict[str, Any]:
        """Ana calls Bob, by a prefix of the dialplan to his number; the call once GET has it."""
        return await self.talk_by(prefix + self.bob.extension)

    async def talk_by(self, number: str) -> dict[str, Any]:
        """Ana calls a number that leads to Bob; the call once GET has both in conversation."""
        self.bob.will_answer()
        await self.ana.call(number)
        await asyncio.gather(self.ana.answered(), self.bob.answered())
        both = [(self.ana.extension, "5"), (self.bob.extension, "5")]
        (call,) = await self.app.calls_until(
            lambda calls: (
                [(v.get("extension"), v["status"]) for c in calls for v in c["phoneCallView"]]
                == both
            ),
            self.ana.extension,
        )
        return call

    async def hold(self, call: dict[str, Any], holder: Phone, held: Phone) -> None:
        """One holds the other: the phones hear it, and the answer and GET say so."""
        answer = await self.app.hold(call, holder.extension, view_of(call, holder))
        assert answer.status == 200, answer
        assert holders_in(answer.body) == [holder.extension]
        assert self.holders(await self.app.calls()) == [holder.extension]
        await hear(holder, ".", held, "M")

    async def resume(self, call: dict[str, Any], holder: Phone, held: Phone) -> None:
        """The hold ends, and they hear each other."""
        answer = await self.app.resume(call, holder.extension, view_of(call, holder))
        assert answer.status == 200, answer
        assert holders_in(answer.body) == []
        assert self.holders(await self.app.calls()) == []
        await hear_each_other(holder, held)
        await self.is_clean()

    def holders(self, calls: list[dict[str, Any]]) -> list[str]:
        """Who of the trio holds in these calls."""
        return [extension for call in self.trio.calls(calls) for extension in holders_in(call)]

    def webhooks(self, receiver: Receiver) -> list[Webhook]:
        """What was told of the trio's extensions."""
        return [webhook for webhook in receiver.received if self.trio.has(webhook.path)]

    async def hear_each_other_soon(
        self, survivor: Phone, newcomer: Phone, since: float, passing: str
    ) -> None:
        """From a second after that moment on they hear each other and nothing else; until then
        the survivor may hear the tones of ``passing`` too, but the newcomer nobody but him.

        Half seconds with a "?" in them do not count until then: that is the PBX's own ringing, or
        the beep by which it tells of a transfer.
        """
        settled = since + SETTLED_SECONDS
        end = settled + LISTEN_SECONDS
        await asyncio.sleep(end + LATE_SECONDS - self.now)
        one, two = survivor.tone_letter, newcomer.tone_letter
        for phone, wanted, also in ((survivor, two, passing), (newcomer, one, "")):
            story = (phone.extension, phone.rtp.hears(since, end))
            assert phone.rtp.hears(settled, end) == [wanted] * 2, story
            for symbol in phone.rtp.hears(since, settled):
                assert "?" in symbol or set(symbol) <= {wanted, ".", "-", *also}, story

    async def parted(self, since: float, channels: Collection[str]) -> float:
        """When the first of these channels left its bridge; half a second later nothing of a
        hold is left."""
        left = await self.events.first(since, Event="BridgeLeave", Channel=channels)
        await asyncio.sleep(left.time + CLEAN_SECONDS - self.now)
        await self.is_clean()
        return left.time

    async def is_clean(self) -> None:
        """No Snoop and no gain of a hold is on the trio's channels."""
        assert await self.traces() == []

    async def traces(self) -> list[str]:
        """Names of the Snoops, and of the channels that are silenced as a hold does it."""
        names = [channel.name for channel in await self.trio.channels()]
        return [name for name in names if name.startswith("Snoop/") or await is_silenced(name)]

    async def are_alone_together(self, one: Phone, two: Phone) -> None:
        """Both talk, and the PBX has nothing of the trio's but them, in one bridge."""
        assert (one.state, two.state) == (State.TALKING, State.TALKING)
        there = await self.trio.until(lambda channels: len(channels) == 2)
        names = {await self.trio.channel(one), await self.trio.channel(two)}
        assert {channel.name for channel in there} == names
        assert len({channel.bridge for channel in there}) == 1
        assert there[0].bridge

    async def hang_up(self, one: Phone, other: Phone) -> None:
        """One hangs up, and nothing is left of the trio's calls."""
        await one.hang_up()
        await other.ended()
        await self.trio.until(lambda channels: not channels)
        await self.app.calls_until(lambda calls: not self.trio.calls(calls))


def view_of(call: Mapping[str, Any], phone: Phone) -> str:
    """The id of the phone's view of a call."""
    (found,) = [v["id"] for v in call["phoneCallView"] if v["extension"] == phone.extension]
    return str(found)


def holders_in(call: Mapping[str, Any]) -> list[str]:
    """The extensions whose view of the call says that it holds."""
    return [view["extension"] for view in call["phoneCallView"] if "holder" in view]


def held_by_us(call: Mapping[str, Any]) -> list[str]:
    """The same, without those that hold by their phones alone."""
    return [
        view["extension"]
        for view in call["phoneCallView"]
        if view.get("onHoldBy", "phone") != "phone"
    ]
