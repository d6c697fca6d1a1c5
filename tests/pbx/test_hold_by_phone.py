"""OnHold and the hold that the phone itself does by re-INVITE, in every order.

Each row is a conversation of its own, and all of them go on at the same time: A called B, and
OnHold is A's.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

import pytest

from tests.pbx.client import Answer, Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.pairs import Pair, all_of, holders
from tests.pbx.phone import Phone
from tests.pbx.phonebook import DIRECT, THROUGH_THE_PBX


async def on_hold(pair: Pair) -> Answer:
    return await pair.hold()


async def off_hold(pair: Pair) -> Answer:
    return await pair.resume()


async def holds(phone: Phone, direction: str = "sendonly") -> None:
    """As phones do it: nothing is sent meanwhile."""
    await phone.hold(direction=direction)
    phone.rtp.sending = False


async def ends(phone: Phone) -> None:
    phone.rtp.sending = True
    await phone.unhold()


async def a_holds(pair: Pair) -> None:
    await holds(pair.one)


async def a_is_inactive(pair: Pair) -> None:
    await holds(pair.one, "inactive")


async def a_ends(pair: Pair) -> None:
    await ends(pair.one)


async def b_holds(pair: Pair) -> None:
    await holds(pair.two)


async def b_ends(pair: Pair) -> None:
    await ends(pair.two)


class Step(NamedTuple):
    """What is done, then what A and B hear, and by what each of them holds as GET says it.

    "." is silence in packets that go on coming, "-" is no packets. `meanwhile` may be heard until
    then.
    """

    do: Callable[[Pair], Awaitable[Answer | None]]
    a_hears: str
    b_hears: str
    by_a: str | None = None
    by_b: str | None = None
    meanwhile: str = ""


ROWS = {
    "on hold, A holds, A ends, off hold": [
        Step(on_hold, ".", "M", "uapid"),
        Step(a_holds, "-", "M", "both"),
        Step(a_ends, ".", "M", "uapid"),
        Step(off_hold, "B", "A"),
    ],
    "on hold, A holds, off hold, A ends": [
        Step(on_hold, ".", "M", "uapid"),
        Step(a_holds, "-", "M", "both"),
        Step(off_hold, "-", "M", "phone"),
        Step(a_ends, "B", "A"),
    ],
    "A holds, on hold, A ends, off hold": [
        Step(a_holds, "-", "M", "phone"),
        Step(on_hold, "-", "M", "phone"),
        Step(a_ends, "B", "A"),
        Step(off_hold, "B", "A"),
    ],
    "A holds, on hold, off hold, A ends": [
        Step(a_holds, "-", "M", "phone"),
        Step(on_hold, "-", "M", "phone"),
        Step(off_hold, "-", "M", "phone"),
        Step(a_ends, "B", "A"),
    ],
    "on hold, B holds, B ends, off hold": [
        Step(on_hold, ".", "M", "uapid"),
        Step(b_holds, "M", "-", "uapid", "phone"),
        Step(b_ends, ".", "M", "uapid"),
        Step(off_hold, "B", "A"),
    ],
    "on hold, B holds, off hold, B ends": [
        Step(on_hold, ".", "M", "uapid"),
        Step(b_holds, "M", "-", "uapid", "phone"),
        Step(off_hold, "M", "-", None, "phone"),
        Step(b_ends, "B", "A"),
    ],
    "B holds, on hold, off hold, B ends": [
        Step(b_holds, "M", "-", None, "phone"),
        Step(on_hold, "-", "-", "uapid", "phone"),
        Step(off_hold, "-", "-", None, "phone"),
        Step(b_ends, "B", "A"),
    ],
    "A is inactive, on hold, off hold, A ends": [
        Step(a_is_inactive, "-", "M", "phone"),
        Step(on_hold, "-", "M", "phone"),
        Step(off_hold, "-", "M", "phone"),
        Step(a_ends, "B", "A"),
    ],
}


# The first hold of a call with direct media moves the media to Asterisk, which begins anew to send
# to a phone that holds: before A is silent, B may hear A for a moment.
DIRECT_ROWS = ROWS | {
    "B holds, on hold, off hold, B ends": [
        Step(b_holds, "M", "-", None, "phone"),
        Step(on_hold, "-", "M", "uapid", "phone", meanwhile="A"),
        Step(off_hold, "-", "A", None, "phone"),
        Step(b_ends, "B", "A"),
    ],
}


async def play(app: Client, plug_in: PlugIn, numbers: tuple[str, str], row: list[Step]) -> None:
    pair = await Pair.talking(app, plug_in, *numbers)
    untouched = True
    for do, a_hears, b_hears, by_a, by_b, meanwhile in row:
        answer = await do(pair)
        if answer:
            assert answer.status == 200, answer
            assert holders(answer.body) == (by_a, by_b), answer
        await pair.shows(by_a, by_b)
        untouched = untouched and "uapid" not in (by_a, by_b)
        if untouched:
            assert await pair.gains() == ("", "")
            assert await pair.snoops() == []
        if by_a not in ("uapid", "both"):
            await pair.nothing_is_left()
        try:
            await pair.hear(a_hears, b_hears, meanwhile)
        except (AssertionError, TimeoutError) as error:
            error.add_note(f"after {do.__name__}")
            raise
        await pair.goes_on()


@pytest.mark.parametrize(
    ("pairs", "rows"),
    [
        pytest.param(THROUGH_THE_PBX, ROWS, id="media-through-asterisk"),
        pytest.param(DIRECT, DIRECT_ROWS, id="direct-media"),
    ],
)
async def test_both_ways_to_hold_go_together(
    app: Client, plug_in: PlugIn, pairs: list[tuple[str, str]], rows: dict[str, list[Step]]
) -> None:
    one_row = partial(play, app, plug_in)
    await all_of(
        {name: one_row(pair, row) for pair, (name, row) in zip(pairs, rows.items(), strict=True)}
    )
