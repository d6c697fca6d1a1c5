"""Holds of one conversation by both sides, several times, and against a hang-up.

Each row is a conversation of its own, and all of them go on at the same time: A called B.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.holding import nothing_is_left
from tests.pbx.manager import ami
from tests.pbx.pairs import Pair, all_of, holders
from tests.pbx.phone import Phone
from tests.pbx.phonebook import THROUGH_THE_PBX
from tests.pbx.uapid import Uapid

T = TypeVar("T")

ROUNDS = 5
# How much later the hang-up may come than the OnHold, which takes some ten milliseconds
LATER_SECONDS = (-0.01, 0.03)

# As set by somebody else before the hold, of A and of B
GAINS = ("-2.000000", "3.000000")


async def set_gains(pair: Pair) -> None:
    for channel, gain in zip(pair.channels, GAINS, strict=True):
        await ami("Setvar", Channel=channel, Variable="VOLUME(RX)", Value=gain)


async def each_holds_the_other(pair: Pair, *, first: Phone, last: Phone) -> None:
    """One resumes first; the voices come back, as loud as they were, when the last one does."""
    await set_gains(pair)
    await pair.hold(pair.one)
    await pair.hear(".", "M")
    await pair.hold(pair.two)
    await pair.shows("uapid", "uapid")
    await pair.hear("M", "M")

    answer = await pair.resume(first)
    assert answer.status == 200
    still = (None, "uapid") if first is pair.one else ("uapid", None)
    assert holders(answer.body) == still
    await pair.shows(*still)
    await pair.hear(*(("M", ".") if first is pair.one else (".", "M")))
    assert all("-32767" in gain for gain in await pair.gains())
    await pair.goes_on()

    answer = await pair.resume(last)
    assert answer.status == 200
    assert holders(answer.body) == (None, None)
    await pair.nothing_is_left()
    await pair.hear_each_other()
    assert await pair.gains() == GAINS
    await pair.goes_on()


async def the_one_that_held_first_resumes_first(pair: Pair) -> None:
    await each_holds_the_other(pair, first=pair.one, last=pair.two)


async def the_one_that_held_last_resumes_first(pair: Pair) -> None:
    await each_holds_the_other(pair, first=pair.two, last=pair.one)


async def both_at_the_same_moment(pair: Pair) -> None:
    await set_gains(pair)
    held = await asyncio.gather(pair.hold(pair.one), pair.hold(pair.two))
    assert [answer.status for answer in held] == [200, 200]
    await pair.shows("uapid", "uapid")
    await pair.hear("M", "M")
    resumed = await asyncio.gather(pair.resume(pair.one), pair.resume(pair.two))
    assert [answer.status for answer in resumed] == [200, 200]
    await pair.shows(None, None)
    await pair.nothing_is_left()
    await pair.hear_each_other()
    assert await pair.gains() == GAINS
    await pair.goes_on()


async def five_times_at_once_is_once(pair: Pair) -> None:
    await set_gains(pair)
    answers = await asyncio.gather(*(pair.hold() for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    assert [holders(answer.body) for answer in answers] == [("uapid", None)] * 5
    assert len(await pair.snoops()) == 1
    await pair.hear(".", "M")
    answers = await asyncio.gather(*(pair.resume() for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    assert [holders(answer.body) for answer in answers] == [(None, None)] * 5
    await pair.nothing_is_left()
    await pair.hear_each_other()
    assert await pair.gains() == GAINS
    await pair.goes_on()


async def somebody_else_hangs_up_the_music(pair: Pair) -> None:
    await set_gains(pair)
    await pair.hold()
    await pair.shows("uapid", None)
    await pair.hear(".", "M")
    (snoop,) = await pair.snoops()
    await ami("Hangup", Channel=snoop)
    await pair.shows(None, None)
    await pair.nothing_is_left()
    await pair.hear_each_other()
    assert await pair.gains() == GAINS
    await pair.goes_on()


async def somebody_else_hangs_up_the_music_of_one(pair: Pair) -> None:
    """It may have given both their voices back, so no hold is left."""
    await set_gains(pair)
    await pair.hold(pair.one)
    (snoop,) = await pair.snoops()
    await pair.hold(pair.two)
    await pair.shows("uapid", "uapid")
    await pair.hear("M", "M")
    await ami("Hangup", Channel=snoop)
    await pair.shows(None, None)
    await pair.nothing_is_left()
    await pair.hear_each_other()
    assert await pair.gains() == GAINS
    await pair.goes_on()


ROWS: list[Callable[[Pair], Awaitable[None]]] = [
    the_one_that_held_first_resumes_first,
    the_one_that_held_last_resumes_first,
    both_at_the_same_moment,
    five_times_at_once_is_once,
    somebody_else_hangs_up_the_music,
    somebody_else_hangs_up_the_music_of_one,
]


async def test_holds_of_one_conversation_are_counted(app: Client, plug_in: PlugIn) -> None:
    async def play(numbers: tuple[str, str], row: Callable[[Pair], Awaitable[None]]) -> None:
        await row(await Pair.talking(app, plug_in, *numbers))

    pairs = THROUGH_THE_PBX[: len(ROWS)]
    await all_of({row.__name__: play(pair, row) for pair, row in zip(pairs, ROWS, strict=True)})


async def test_a_hold_against_a_hang_up_is_no_error_and_leaves_nothing(
    uapid: Uapid, app: Client, plug_in: PlugIn, asterisk: Asterisk
) -> None:
    rows = {
        f"{caller} calls {called}": hang_up_rounds(app, plug_in, caller, called)
        for caller, called in THROUGH_THE_PBX
    }
    await all_of(rows)
    await app.calls_until(lambda calls: not calls)
    await nothing_is_left(asterisk)
    assert asterisk.channels() == []
    assert "Traceback" not in uapid.log()


async def hang_up_rounds(app: Client, plug_in: PlugIn, caller: str, called: str) -> None:
    """By turns the holder and the held phone hang up, a little before or after the OnHold."""
    one, two = await asyncio.gather(plug_in(caller), plug_in(called))
    two.will_answer(after=0)
    for number in range(ROUNDS):
        await one.call(called)
        await asyncio.gather(one.answered(), two.answered())
        (call,) = await app.calls_until(in_conversation, caller)
        leaves, stays = (two, one) if number % 2 else (one, two)
        apart = random.uniform(*LATER_SECONDS)
        answer, _ = await asyncio.gather(
            after(-apart, partial(app.hold, call, caller)), after(apart, leaves.hang_up)
        )
        story = f"{leaves.extension} hung up {apart * 1000:.1f} ms after: {answer}"
        assert answer.status in (200, 204, 400), story
        await stays.ended()
        await app.calls_until(lambda calls: not calls, caller)


def in_conversation(calls: list[dict[str, Any]]) -> bool:
    return [[view["status"] for view in call["phoneCallView"]] for call in calls] == [["5", "5"]]


async def after(seconds: float, do: Callable[[], Awaitable[T]]) -> T:
    await asyncio.sleep(max(0.0, seconds))
    return await do()
