"""OnHold and OffHold, judged by the RTP that each phone receives."""

import asyncio

import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.holding import (
    bridges,
    hear,
    hear_each_other,
    nothing_is_left,
    talk,
    traces_of_holds,
)
from tests.pbx.manager import ami

PAIRS = [
    pytest.param("0003*210", "0003*211", id="media-through-asterisk"),
    pytest.param("0003*220", "0003*221", id="direct-media"),
]


@pytest.mark.parametrize(("caller", "called"), PAIRS)
async def test_the_held_phone_hears_music_and_the_holder_silence_until_off_hold(
    app: Client, plug_in: PlugIn, asterisk: Asterisk, caller: str, called: str
) -> None:
    one, two = await talk(plug_in, caller, called)
    (call,) = await app.calls(caller)
    before = bridges(asterisk)

    answer = await app.hold(call, caller)
    assert answer.status == 200
    assert answer.body["phoneCallView"][0]["holder"] == 1
    # "." is silence in packets that go on coming; "-" would be no packets at all.
    await hear(one, ".", two, "M")
    assert bridges(asterisk) == before, "the call left its Dial()"
    assert len(await traces_of_holds(asterisk)) == 3
    (held,) = await app.calls(called)
    assert held["phoneCallView"][0]["onHold"]
    assert "onHold" not in held["phoneCallView"][1]

    answer = await app.resume(call, caller)
    assert answer.status == 200
    assert "onHold" not in answer.body["phoneCallView"][0]
    await hear_each_other(one, two)
    assert bridges(asterisk) == before
    await nothing_is_left(asterisk)


async def test_the_called_phone_holds_too_and_naming_either_view_means_the_same(
    app: Client, plug_in: PlugIn
) -> None:
    one, two = await talk(plug_in, "0003*210", "0003*211")
    (call,) = await app.calls("0003*211")
    for view in ("01", "02"):
        answer = await app.hold(call, "0003*211", view)
        assert answer.status == 200
        assert [v.get("holder") for v in answer.body["phoneCallView"]] == [None, 1]
        await hear(one, "M", two, ".")
        await app.resume(call, "0003*211", view)
        await hear_each_other(one, two)


async def test_at_self_the_view_names_the_holder(app: Client, plug_in: PlugIn) -> None:
    one, two = await talk(plug_in, "0003*210", "0003*211")
    (call,) = await app.calls()
    await app.hold(call, "@self", "02")
    await hear(one, "M", two, ".")


async def test_a_call_from_outside_is_held(app: Client, plug_in: PlugIn) -> None:
    trunk, ana = await talk(plug_in, "trunk", "0003*210", "40311234567")
    (call,) = await app.calls("0003*210")
    answer = await app.hold(call, "0003*210", "02")
    assert answer.status == 200
    await hear(trunk, "M", ana, ".")
    await app.resume(call, "0003*210", "02")
    await hear_each_other(trunk, ana)


async def test_twice_is_the_same_as_once_and_never_a_toggle(app: Client, plug_in: PlugIn) -> None:
    one, two = await talk(plug_in, "0003*210", "0003*211")
    (call,) = await app.calls()
    first = await app.hold(call, "0003*210")
    second = await app.hold(call, "0003*210")
    assert (first.status, second.status) == (200, 200)
    assert first.body == second.body
    await hear(one, ".", two, "M")
    for _ in range(2):
        answer = await app.resume(call, "0003*210")
        assert answer.status == 200
    await hear_each_other(one, two)


async def test_both_hold_each_other_and_voices_come_back_with_the_last_resume(
    app: Client, plug_in: PlugIn, asterisk: Asterisk
) -> None:
    one, two = await talk(plug_in, "0003*210", "0003*211")
    (call,) = await app.calls()
    await asyncio.gather(app.hold(call, "0003*210"), app.hold(call, "0003*211"))
    await hear(one, "M", two, "M")
    await app.resume(call, "0003*210")
    await hear(one, "M", two, ".")
    await app.resume(call, "0003*211")
    await hear_each_other(one, two)
    await nothing_is_left(asterisk)


async def test_all_calls_of_an_extension_without_a_call_id(app: Client, plug_in: PlugIn) -> None:
    one, two = await talk(plug_in, "0003*210", "0003*211")
    answer = await app.put("/phoneCalls/@me/0003*210", {"action": "OnHold"})
    assert answer.status == 200
    assert [call["phoneCallView"][0]["holder"] for call in answer.body] == [1]
    await hear(one, ".", two, "M")
    await app.put("/phoneCalls/@me/0003*210", {"action": "OffHold"})
    await hear_each_other(one, two)


async def test_a_call_that_rings_cannot_be_held(app: Client, plug_in: PlugIn) -> None:
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    await ana.call("0003*211")
    await bob.ringing()
    (call,) = await app.calls()
    answer = await app.hold(call, "0003*210")
    assert answer.status == 400
    assert answer.body["error"]["code"] == "pc_phonecallview_invalid"
    assert "conversation" in answer.body["error"]["message"]


async def test_hanging_up_a_held_call_leaves_nothing_behind(
    app: Client, plug_in: PlugIn, asterisk: Asterisk
) -> None:
    one, two = await talk(plug_in, "0003*210", "0003*211")
    (call,) = await app.calls()
    await app.hold(call, "0003*210")
    await two.hang_up()
    await one.ended()
    await app.calls_until(lambda calls: not calls)
    await nothing_is_left(asterisk)
    assert asterisk.channels() == []


async def test_a_party_that_is_moved_elsewhere_has_its_voice_back_and_no_music(
    app: Client, plug_in: PlugIn, asterisk: Asterisk
) -> None:
    one, two = await talk(plug_in, "0003*210", "0003*211")
    (call,) = await app.calls()
    await app.hold(call, "0003*210")
    await hear(one, ".", two, "M")
    cleo = await plug_in("0003*024")
    cleo.will_answer()
    (held,) = [c.name for c in asterisk.channels() if c.name.startswith("PJSIP/0003*211")]
    await ami("Redirect", Channel=held, Context="internal", Exten="0003*024", Priority="1")
    await asyncio.gather(cleo.answered(), one.ended())
    await hear_each_other(two, cleo)
    await nothing_is_left(asterisk)


async def test_a_hold_of_the_phone_itself_shows_and_is_left_alone(
    app: Client, plug_in: PlugIn, asterisk: Asterisk
) -> None:
    one, two = await talk(plug_in, "0003*210", "0003*211")
    await one.hold()
    await two.hears("M")
    (call,) = await app.calls_until(lambda calls: "holder" in calls[0]["phoneCallView"][0])
    answer = await app.hold(call, "0003*210")
    assert answer.status == 200
    assert not any(c.name.startswith("Snoop/") for c in asterisk.channels())
    await one.unhold()
    await hear_each_other(one, two)
    await app.calls_until(lambda calls: "holder" not in calls[0]["phoneCallView"][0])
