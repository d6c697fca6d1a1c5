"""Hold of two channels that another ARI application has put into a mixing bridge.

Each row has an application of its own, and all of them go on at the same time: A called the
application, which called B.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.holding import nothing_is_left
from tests.pbx.other_app import OtherApp
from tests.pbx.pairs import Pair, all_of
from tests.pbx.phone import Phone
from tests.pbx.phonebook import THROUGH_THE_PBX


@dataclass
class Room:
    """The application's mixing bridge with A and B in it, whose ids `a` and `b` are."""

    owner: OtherApp
    bridge: str
    a: str
    b: str
    pair: Pair
    plug_in: PlugIn

    @classmethod
    async def of(
        cls, owner: OtherApp, number: str, app: Client, plug_in: PlugIn, caller: str, called: str
    ) -> "Room":
        one, two = await plug_in(caller), await plug_in(called)
        two.will_answer()
        await one.call(number)
        a = await owner.given_a_call()
        await owner.answer(a)
        await owner.call(called)
        b = await owner.given_a_call()
        bridge = await owner.make_bridge()
        await owner.add(a, bridge)
        await owner.add(b, bridge)
        await one.answered()
        await two.answered()
        await one.hears(two.tone_letter)
        await two.hears(one.tone_letter)
        return cls(owner, bridge, a, b, await Pair.of(app, one, two), plug_in)

    async def joined_by(self, extension: str) -> Phone:
        """The application calls another phone and adds it."""
        phone: Phone = await self.plug_in(extension)
        phone.will_answer()
        await self.owner.call(extension)
        await self.owner.add(await self.owner.given_a_call(), self.bridge)
        await phone.answered()
        return phone


async def held_and_resumed_by_each(room: Room) -> None:
    pair = room.pair
    for by, heard in ((pair.one, (".", "M")), (pair.two, ("M", "."))):
        assert (await pair.hold(by)).status == 200
        await pair.shows(*(("uapid", None) if by is pair.one else (None, "uapid")))
        await pair.hear(*heard)
        await pair.goes_on()
        assert (await pair.resume(by)).status == 200
        await pair.shows(None, None)
        await pair.nothing_is_left()
        await pair.hear_each_other()
        await pair.goes_on()


async def the_app_takes_the_held_one_out_and_in_again(room: Room) -> None:
    await out_and_in_again(room, room.b)


async def the_app_takes_the_holder_out_and_in_again(room: Room) -> None:
    await out_and_in_again(room, room.a)


async def out_and_in_again(room: Room, channel: str) -> None:
    pair = room.pair
    await pair.hold()
    await pair.hear(".", "M")
    await room.owner.remove(channel, room.bridge)
    await pair.nothing_is_left()
    await pair.hear("-", "-")
    await room.owner.add(channel, room.bridge)
    await pair.hear_each_other()
    await pair.shows(None, None)
    await pair.goes_on()


async def the_held_one_hangs_up(room: Room) -> None:
    pair = room.pair
    await pair.hold()
    await pair.hear(".", "M")
    await pair.two.hang_up()
    await pair.nothing_is_left()
    await pair.hears(pair.one, "-")
    other = await room.joined_by("0003*024")
    await pair.hears(pair.one, other.tone_letter)
    await other.hears(pair.one.tone_letter)


async def the_holder_hangs_up(room: Room) -> None:
    pair = room.pair
    await pair.hold()
    await pair.hear(".", "M")
    await pair.one.hang_up()
    await pair.nothing_is_left()
    await pair.hears(pair.two, "-")
    other = await room.joined_by("0003*025")
    await pair.hears(pair.two, other.tone_letter)
    await other.hears(pair.two.tone_letter)


async def a_third_joins(room: Room) -> None:
    pair = room.pair
    await pair.hold()
    await pair.hear(".", "M")
    third = await room.joined_by("0004*300")
    await pair.nothing_is_left()
    await pair.hear("BE", "AE")
    await third.hears("AB")
    await pair.shows(None, None, None)


ROWS: list[Callable[[Room], Awaitable[None]]] = [
    held_and_resumed_by_each,
    the_app_takes_the_held_one_out_and_in_again,
    the_app_takes_the_holder_out_and_in_again,
    the_held_one_hangs_up,
    the_holder_hangs_up,
    a_third_joins,
]


async def test_a_call_in_another_apps_bridge_is_held_like_any(
    app: Client, plug_in: PlugIn, asterisk: Asterisk
) -> None:
    async def play(number: int, row: Callable[[Room], Awaitable[None]]) -> None:
        async with OtherApp(f"other-app-{number}") as owner:
            numbers = THROUGH_THE_PBX[number]
            await row(await Room.of(owner, f"0003*64{number}", app, plug_in, *numbers))

    await all_of({row.__name__: play(number, row) for number, row in enumerate(ROWS, start=1)})
    await nothing_is_left(asterisk)
