"""Hold by the phone itself, asked to by NOTIFY. Only phones are asked that said in this call that
they know it, and only if the settings allow it: one that does not know it might end the call.

Each row is a conversation of its own, and all of them go on at the same time: A called B.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.pbx.asterisk import AMI_USERNAME, Asterisk
from tests.pbx.call import Manners
from tests.pbx.client import Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.pairs import Pair, all_of, holders
from tests.pbx.phone import Phone
from tests.pbx.phonebook import DIRECT, THROUGH_THE_PBX
from tests.pbx.uapid import BASE_URL, SETTINGS, Uapid

WITHOUT_NOTIFY = SETTINGS.replace(
    f'username = "{AMI_USERNAME}"', f'username = "{AMI_USERNAME}-notify"', 1
)
ALLOWED = "\n[hold]\nphone_notify = true\n"
WITH_NOTIFY = f"{WITHOUT_NOTIFY}{ALLOWED}"

OBEYS = Manners("hold, talk", obeys=True)
PROMISES = Manners("talk,hold")
REFUSES = Manners("hold, talk", answer=489)
KNOWS_OTHERS = Manners("presence, talk", obeys=True)
SAYS_NOTHING = Manners(obeys=True)

Row = Callable[[Pair], Awaitable[None]]


@pytest.fixture
async def asked(asterisk: Asterisk, tmp_path: Path) -> AsyncIterator[Client]:
    """An app whose daemon may ask phones to hold."""
    async with (
        Uapid(tmp_path, WITH_NOTIFY) as uapid,
        Client(BASE_URL, await uapid.token()) as app,
    ):
        await uapid.until_connected()
        yield app


def by(pair: Pair, phone: Phone, way: str | None) -> tuple[str | None, str | None]:
    """What the views of the call say when this phone holds in this way."""
    return (way, None) if phone is pair.one else (None, way)


def in_force(calls: list[dict[str, Any]]) -> bool:
    return [holders(call) for call in calls] != [(None, None)]


async def held_by_the_phone(pair: Pair, phone: Phone) -> None:
    answer = await pair.hold(phone)
    assert answer.status == 200, answer
    assert holders(answer.body) == by(pair, phone, "phone")
    assert phone.notified == ["hold"]
    await pair.shows(*by(pair, phone, "phone"))
    await pair.hear(*(("-", "M") if phone is pair.one else ("M", "-")))
    assert (await pair.hold(phone)).status == 200
    assert phone.notified == ["hold"], "it was asked again"
    await pair.goes_on()

    answer = await pair.resume(phone)
    assert answer.status == 200, answer
    assert holders(answer.body) == (None, None)
    assert phone.notified == ["hold", "talk"]
    await pair.shows(None, None)
    await pair.hear_each_other()
    await pair.goes_on()
    assert await pair.gains() == ("", "")
    assert await pair.snoops() == []


async def a_obeys(pair: Pair) -> None:
    await held_by_the_phone(pair, pair.one)


async def b_obeys(pair: Pair) -> None:
    await held_by_the_phone(pair, pair.two)


async def a_holds_by_its_key_and_obeys(pair: Pair) -> None:
    """OffHold asks it to end its hold, whoever began that."""
    await pair.one.hold()
    pair.one.rtp.sending = False
    await pair.shows("phone", None)
    await pair.hear("-", "M")
    answer = await pair.resume()
    assert answer.status == 200, answer
    assert holders(answer.body) == (None, None)
    assert pair.one.notified == ["talk"]
    await pair.hear_each_other()
    await pair.goes_on()


async def held_in_place(pair: Pair, phone: Phone, *, notified: list[str], status: int) -> None:
    answer = await pair.hold(phone)
    assert answer.status == status, answer
    if status == 202:  # a second before it is clear that the phone will not do it
        await pair.shows(None, None)
        await pair.app.calls_until(in_force, phone.extension)
    await pair.shows(*by(pair, phone, "uapid"))
    await pair.hear(*((".", "M") if phone is pair.one else ("M", ".")))
    await pair.goes_on()

    answer = await pair.resume(phone)
    assert answer.status == 200, answer
    assert holders(answer.body) == (None, None)
    assert phone.notified == notified
    await pair.nothing_is_left()
    await pair.hear_each_other()
    await pair.goes_on()


async def a_promises_and_does_nothing(pair: Pair) -> None:
    await held_in_place(pair, pair.one, notified=["hold"], status=202)


async def b_refuses(pair: Pair) -> None:
    await held_in_place(pair, pair.two, notified=["hold"], status=202)


async def a_is_not_asked(pair: Pair) -> None:
    await held_in_place(pair, pair.one, notified=[], status=200)


async def b_is_not_asked(pair: Pair) -> None:
    await held_in_place(pair, pair.two, notified=[], status=200)


# What A makes of a NOTIFY, what B makes of it, what happens
ROWS: list[tuple[Manners, Manners, Row]] = [
    (OBEYS, SAYS_NOTHING, a_obeys),
    (SAYS_NOTHING, OBEYS, b_obeys),
    (OBEYS, SAYS_NOTHING, a_holds_by_its_key_and_obeys),
    (PROMISES, OBEYS, a_promises_and_does_nothing),
    (OBEYS, REFUSES, b_refuses),
    (SAYS_NOTHING, OBEYS, a_is_not_asked),
    (OBEYS, KNOWS_OTHERS, b_is_not_asked),
]


async def play(
    app: Client, plug_in: PlugIn, numbers: tuple[str, str], a: Manners, b: Manners, row: Row
) -> None:
    await row(await Pair.talking(app, plug_in, *numbers, manners=(a, b)))


async def test_phones_that_know_how_are_asked_to_hold(asked: Client, plug_in: PlugIn) -> None:
    one_row = partial(play, asked, plug_in)
    rows = zip(THROUGH_THE_PBX, ROWS, strict=False)
    await all_of({row.__name__: one_row(pair, a, b, row) for pair, (a, b, row) in rows})


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(WITHOUT_NOTIFY, id="the-settings-say-no"),
        pytest.param(f"{SETTINGS}{ALLOWED}", id="the-ami-user-may-not"),
    ],
)
async def test_without_the_permission_no_phone_is_asked_and_all_are_held_in_place(
    asterisk: Asterisk, plug_in: PlugIn, tmp_path: Path, settings: str
) -> None:
    async with (
        Uapid(tmp_path, settings) as uapid,
        Client(BASE_URL, await uapid.token()) as app,
    ):
        await uapid.until_connected()
        one_row = partial(play, app, plug_in)
        await all_of(
            {
                row.__name__: one_row(pair, OBEYS, OBEYS, row)
                for pair, row in zip(DIRECT, (a_is_not_asked, b_is_not_asked), strict=False)
            }
        )
