"""What phones do with a call beyond taking and ending it, and with several calls at once."""

import asyncio

import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.call import State
from tests.pbx.fixtures import PlugIn
from tests.pbx.phone import Phone


async def talk(caller: Phone, called: Phone) -> None:
    await caller.call(called.extension)
    await called.answer()
    await caller.answered()


async def three(plug_in: PlugIn) -> tuple[Phone, Phone, Phone]:
    return await plug_in("0003*210"), await plug_in("0003*211"), await plug_in("0003*024")


async def hear_each_other(one: Phone, two: Phone) -> None:
    await asyncio.gather(one.hears(two.tone_letter), two.hears(one.tone_letter))


@pytest.mark.parametrize("transferer", ["caller", "called"])
async def test_a_blind_transfer_connects_the_other_side_with_the_target(
    plug_in: PlugIn, asterisk: Asterisk, transferer: str
) -> None:
    ana, bob, cleo = await three(plug_in)
    await talk(ana, bob)
    left, kept = (ana, bob) if transferer == "caller" else (bob, ana)
    await left.transfer("0003*024")
    assert left.state is State.ENDED
    await cleo.answer()
    await hear_each_other(kept, cleo)
    assert len(asterisk.channels()) == 2


async def test_an_attended_transfer_connects_the_other_sides_of_two_calls(
    plug_in: PlugIn, asterisk: Asterisk
) -> None:
    ana, bob, cleo = await three(plug_in)
    await talk(ana, bob)
    first = ana.current
    assert first
    await ana.hold()
    await bob.hears("M")
    second = await ana.call("0003*024")
    await cleo.answer()
    await hear_each_other(ana, cleo)
    await ana.transfer_to(second, first)
    await asyncio.gather(ana.ended(call=first), ana.ended(call=second))
    await hear_each_other(bob, cleo)
    assert len(asterisk.channels()) == 2


async def test_a_forwarding_phone_sends_the_caller_on(plug_in: PlugIn) -> None:
    ana, bob, cleo = await three(plug_in)
    bob.will_forward("0003*024")
    cleo.will_answer()
    await ana.call("0003*211")
    await ana.answered()
    assert (bob.state, bob.status) == (State.ENDED, 302)
    await hear_each_other(ana, cleo)


async def test_pressed_keys_are_feature_codes_where_the_dialplan_allows_them(
    plug_in: PlugIn,
) -> None:
    ana, cleo, dan = [await plug_in(number) for number in ("0003*210", "0003*024", "0003*025")]
    await ana.call("0003*624")
    await cleo.answer()
    await ana.answered()
    await ana.press("#1")
    await cleo.hears("M")
    await ana.press("0003*025")
    await dan.answer()
    await hear_each_other(cleo, dan)


async def test_pressed_keys_reach_a_menu(plug_in: PlugIn) -> None:
    ana, cleo = await plug_in("0003*210"), await plug_in("0003*024")
    await ana.call("0003*700")
    await ana.answered()
    await ana.press("024")
    await cleo.answer()
    await hear_each_other(ana, cleo)


async def test_each_of_two_calls_of_a_phone_is_ended_by_itself(plug_in: PlugIn) -> None:
    ana, bob, cleo = await three(plug_in)
    await talk(ana, bob)
    first = ana.current
    assert first
    await talk(cleo, ana)
    second = ana.current
    assert second
    assert second is not first
    await cleo.hears("A")
    ana.switch_to(first)
    await bob.hears("A")
    await cleo.hang_up()
    await ana.ended(call=second)
    assert ana.state is State.TALKING
    await ana.hang_up()
    await bob.ended()


async def test_a_phone_calls_itself(plug_in: PlugIn) -> None:
    ana = await plug_in("0003*210")
    outgoing = await ana.call("0003*210")
    await ana.answer()
    await ana.answered(call=outgoing)
    assert ana.current is not outgoing
    await ana.hang_up()
    await ana.ended(call=outgoing)
