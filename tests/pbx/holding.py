"""Two phones in conversation, what they hear, and what a hold must not leave behind."""

import asyncio
from contextlib import suppress

from tests.pbx.asterisk import Asterisk
from tests.pbx.fixtures import PlugIn
from tests.pbx.manager import ami
from tests.pbx.phone import Phone

CLEAN_SECONDS = 0.5


async def talk(plug_in: PlugIn, caller: str, called: str, number: str | None = None) -> list[Phone]:
    """Two phones in conversation that hear each other."""
    one, two = await plug_in(caller), await plug_in(called)
    two.will_answer()
    await one.call(number or called)
    await asyncio.gather(one.answered(), two.answered())
    await hear_each_other(one, two)
    return [one, two]


async def hear_each_other(one: Phone, two: Phone) -> None:
    await hear(one, two.tone_letter, two, one.tone_letter)


async def hear(one: Phone, by_one: str, two: Phone, by_two: str) -> None:
    """Both phones come to hear this, and go on hearing nothing else for a second."""
    await asyncio.gather(one.hears(by_one), two.hears(by_two))
    heard = await asyncio.gather(one.listen(1), two.listen(1))
    assert list(heard) == [[by_one] * 2, [by_two] * 2]


def bridges(asterisk: Asterisk) -> dict[str, str]:
    """Which channel is in which bridge, Snoop channels apart."""
    return {
        channel.name: channel.bridge
        for channel in asterisk.channels()
        if not channel.name.startswith("Snoop/")
    }


async def nothing_is_left(asterisk: Asterisk) -> None:
    """No Snoop and no gain of ours; Asterisk ends a channel a moment after it agreed to."""
    # Looking takes its time: what counts is when it begins.
    now = asyncio.get_running_loop().time
    deadline = now() + CLEAN_SECONDS
    in_time = True
    while in_time:
        in_time = now() < deadline
        if not (traces := await traces_of_holds(asterisk)):
            return
    raise AssertionError(f"left behind: {traces}")


async def traces_of_holds(asterisk: Asterisk) -> list[str]:
    """Names of Snoops, and of channels that are silenced as a hold does it."""
    names = [channel.name for channel in asterisk.channels()]
    return [name for name in names if name.startswith("Snoop/") or await is_silenced(name)]


async def is_silenced(channel: str) -> bool:
    with suppress(RuntimeError):  # it has hung up meanwhile
        return "-32767" in await ami("Getvar", Channel=channel, Variable="VOLUME(RX)")
    return False
