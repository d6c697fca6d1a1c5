"""What is played to a held phone, whose choice it is, and that it is told when nothing is.

Rows are conversations of their own that go on at the same time: A called B.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.pairs import ASKS_EVERY, Pair, all_of
from tests.pbx.phonebook import THROUGH_THE_PBX
from tests.pbx.uapid import BASE_URL, SETTINGS, Uapid

NOTICED_SECONDS = 1.5

# Who has which class of music is told by the pairs that these extensions are in.
CLASSES = f"""\
{SETTINGS.partition("[[organizations]]")[0]}
[hold]
music = "tone-T"

[[organizations]]
id = "3"
name = "Default Organization"
music = "tone-E"

[[users]]
id = 12
name = "without a choice of his own"
organization = "3"
extensions = ["0003*110", "0003*111"]

[[users]]
id = 13
name = "with a choice of her own"
organization = "3"
extensions = ["0003*112", "0003*113", "0003*114", "0003*115"]
music = "tone-D"

[[users]]
id = 14
name = "of no organization"
extensions = ["0003*116", "0003*117", "0003*118", "0003*119"]

[[extensions]]
number = "0003*113"
type = "terminal"
endpoint = "PJSIP/0003*113"
music = "tone-C"

[[extensions]]
number = "0003*114"
type = "terminal"
endpoint = "PJSIP/0003*114"
music = "tone-C"

[[extensions]]
number = "0003*118"
type = "terminal"
endpoint = "PJSIP/0003*118"
music = "ragtime"
"""
OF_THE_ORGANIZATION, OF_THE_USER, OF_THE_EXTENSION, OF_ALL, UNKNOWN = THROUGH_THE_PBX[:5]


async def test_the_music_is_that_of_the_holder(
    asterisk: Asterisk, plug_in: PlugIn, tmp_path: Path
) -> None:
    async with Uapid(tmp_path, CLASSES) as uapid, AsyncExitStack() as apps:
        await uapid.until_connected()
        clients = [Client(BASE_URL, await uapid.token(user)) for user in (12, 13, 14)]
        one, other, third = [await apps.enter_async_context(client) for client in clients]
        await all_of(
            {
                "of the organization": held(one, plug_in, OF_THE_ORGANIZATION, "E"),
                "of the user": held(other, plug_in, OF_THE_USER, "D"),
                "of the extension": held(other, plug_in, OF_THE_EXTENSION, "C"),
                "of the settings of hold": held(third, plug_in, OF_ALL, "T"),
                "that the PBX does not have": held_with_the_default(uapid, third, plug_in),
            }
        )


async def held(app: Client, plug_in: PlugIn, numbers: tuple[str, str], music: str) -> None:
    pair = await Pair.talking(app, plug_in, *numbers)
    answer = await pair.hold()
    assert answer.status == 200, answer
    await pair.hear(".", music)
    assert await notes(pair) == [None, None]
    await pair.resume()
    await pair.hear_each_other()


async def held_with_the_default(uapid: Uapid, app: Client, plug_in: PlugIn) -> None:
    pair = await Pair.talking(app, plug_in, *UNKNOWN)
    answer = await pair.hold()
    assert answer.status == 200, answer
    note = answer.body["phoneCallView"][0]["onHoldNote"]
    assert "ragtime" in note
    await pair.hear(".", "M")
    assert await notes(pair) == [note, None]
    assert note in uapid.log()
    await pair.resume()
    assert await notes(pair) == [None, None]
    await pair.hear_each_other()


async def test_a_pbx_without_music_holds_in_silence_and_says_so(
    uapid: Uapid, app: Client, plug_in: PlugIn, asterisk: Asterisk
) -> None:
    pair = await Pair.talking(app, plug_in, "0003*110", "0003*111")
    await asyncio.to_thread(asterisk.take_music_away)
    try:
        answer = await pair.hold()
        assert answer.status == 200, answer
        note = answer.body["phoneCallView"][0]["onHoldNote"]
        assert "without music" in note
        await pair.shows("uapid", None)
        await pair.hear(".", ".")
        assert await notes(pair) == [note, None]
        assert note in uapid.log()
        assert (await pair.resume()).status == 200
    finally:
        await asyncio.to_thread(asterisk.give_music_back)
    await pair.nothing_is_left()
    await pair.hear_each_other()
    await pair.hold()
    await pair.hear(".", "M")
    assert await notes(pair) == [None, None]


async def test_music_whose_file_went_away_is_told_of(
    app: Client, plug_in: PlugIn, asterisk: Asterisk
) -> None:
    pair = await Pair.talking(app, plug_in, "0003*110", "0003*111")
    await asyncio.to_thread(asterisk.lose_the_file_of_music)
    try:
        assert (await pair.hold()).status == 200
        await app.calls_until(
            lambda calls: "without music" in calls[0]["phoneCallView"][0].get("onHoldNote", "")
        )
        await pair.hear(".", ".")
        assert (await pair.resume()).status == 200
    finally:
        await asyncio.to_thread(asterisk.give_music_back)
    await pair.nothing_is_left()
    await pair.hear_each_other()


async def test_the_music_waits_for_the_holders_phone_to_send_and_that_is_told(
    uapid: Uapid, app: Client, plug_in: PlugIn
) -> None:
    await all_of(
        {
            "it stopped to send before the hold": it_stops_before(uapid, app, plug_in),
            "it stops to send during the hold": it_stops_while_holding(app, plug_in),
            "it never sent": it_never_sent(app, plug_in),
            "neither of them sends": neither_sends(app, plug_in),
        }
    )


async def it_stops_before(uapid: Uapid, app: Client, plug_in: PlugIn) -> None:
    pair = await Pair.talking(app, plug_in, "0003*110", "0003*111")
    pair.one.rtp.sending = False
    assert (await pair.hold()).status == 200
    note = await told(pair)
    assert f"{pair.channels[0]} of {pair.channels[1]}: {note}" in uapid.log()
    await pair.hear(".", "-")
    await it_sends_again(pair)


async def it_stops_while_holding(app: Client, plug_in: PlugIn) -> None:
    pair = await Pair.talking(app, plug_in, "0003*112", "0003*113")
    assert (await pair.hold()).status == 200
    await pair.hear(".", "M")
    assert await notes(pair) == [None, None]
    pair.one.rtp.sending = False
    await told(pair, within=5)
    await pair.hear(".", "-")
    await it_sends_again(pair)


async def it_never_sent(app: Client, plug_in: PlugIn) -> None:
    one, two = await plug_in("0003*114"), await plug_in("0003*115")
    one.rtp.sending = False
    two.will_answer()
    await one.call(two.extension)
    await asyncio.gather(one.answered(), two.answered())
    # Some phones send their first packet late, so only after a second it is said to send none.
    await asyncio.gather(one.listen(1.5), two.listen(1.5))
    pair = await Pair.of(app, one, two)
    answer = await pair.hold()
    assert answer.status == 200, answer
    assert "without music" in answer.body["phoneCallView"][0]["onHoldNote"]
    await pair.hears(one, ".")
    assert two.rtp.received == 0
    await it_sends_again(pair)


async def neither_sends(app: Client, plug_in: PlugIn) -> None:
    """Asterisk takes the Snoop away with the next packet that comes, from whomever."""
    pair = await Pair.talking(app, plug_in, "0003*116", "0003*117")
    assert (await pair.hold()).status == 200
    pair.one.rtp.sending = pair.two.rtp.sending = False
    await told(pair, within=5)
    assert (await pair.resume()).status == 200
    await pair.shows(None, None)
    assert await pair.gains() == ("0.000000", "0.000000")
    await pair.hear("-", "-")
    pair.one.rtp.sending = pair.two.rtp.sending = True
    await pair.nothing_is_left()
    await pair.hear_each_other()
    await pair.goes_on()


async def it_sends_again(pair: Pair) -> None:
    pair.one.rtp.sending = True
    await pair.hears(pair.two, "M")
    assert await notes(pair) == [None, None]
    assert (await pair.resume()).status == 200
    await pair.nothing_is_left()
    await pair.hear_each_other()
    await pair.goes_on()


async def told(pair: Pair, within: float = NOTICED_SECONDS) -> str:
    """The note of A's hold, once it says that there is no music."""
    now: list[str | None] = []
    try:
        async with asyncio.timeout(within):
            while "without music" not in ((now := await notes(pair))[0] or ""):
                await asyncio.sleep(ASKS_EVERY)
    except TimeoutError:
        raise AssertionError(f"GET says {now}") from None
    assert now[1] is None
    return now[0] or ""


async def notes(pair: Pair) -> list[str | None]:
    """What GET says beside who holds."""
    (call,) = await pair.app.calls(pair.one.extension)
    return [view.get("onHoldNote") for view in call["phoneCallView"]]
