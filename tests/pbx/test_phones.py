"""The phones and the PBX themselves: what the other tests stand on."""

import asyncio

from tests.pbx.asterisk import HOST, Asterisk
from tests.pbx.call import State
from tests.pbx.fixtures import PlugIn
from tests.pbx.phone import Phone
from tests.pbx.signalling import RTP_PORT
from tests.unit.waiting import until


async def hear_each_other(one: Phone, two: Phone) -> None:
    await asyncio.gather(one.hears(two.tone_letter), two.hears(one.tone_letter))
    heard_by_one, heard_by_two = await asyncio.gather(one.listen(1), two.listen(1))
    assert heard_by_one == [two.tone_letter] * 2
    assert heard_by_two == [one.tone_letter] * 2


async def in_a_call(plug_in: PlugIn, caller: str, called: str) -> tuple[Phone, Phone]:
    one, two = await plug_in(caller), await plug_in(called)
    two.will_answer()
    await one.call(called)
    await asyncio.gather(one.answered(), two.answered())
    return one, two


async def test_an_answered_call(plug_in: PlugIn, asterisk: Asterisk) -> None:
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    bob.will_answer()
    assert ana.state is State.IDLE
    await ana.call("0003*211", caller_name="Ana")
    await ana.ringing()
    call = await bob.answered()
    await ana.answered()
    assert call.header("From").startswith('"Ana" <sip:0003*210@')
    await hear_each_other(ana, bob)

    channels = asterisk.channels()
    assert sorted(channel.application for channel in channels) == ["AppDial", "Dial"]
    assert len({channel.bridge for channel in channels}) == 1
    assert ana.rtp.source is not None
    assert ana.rtp.source[0] == HOST

    await ana.hang_up()
    ended = await bob.ended()
    assert (bob.status, ended.ended_here) == (None, False)
    assert ana.current is not None
    assert ana.current.ended_here


async def test_the_called_phone_hangs_up(plug_in: PlugIn) -> None:
    ana, bob = await in_a_call(plug_in, "0003*210", "0003*211")
    await bob.hang_up()
    assert not (await ana.ended()).ended_here


async def test_a_short_number(plug_in: PlugIn) -> None:
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    await ana.call("211")
    await bob.ringing()
    await bob.answer()
    await ana.answered()


async def test_one_phone_calls_twice(plug_in: PlugIn) -> None:
    ana, bob = await in_a_call(plug_in, "0003*210", "0003*211")
    await ana.hang_up()
    await bob.ended()
    await ana.call("0003*211")
    await asyncio.gather(ana.answered(), bob.answered())
    await hear_each_other(ana, bob)


async def test_busy(plug_in: PlugIn) -> None:
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    bob.will_reject(486)
    await ana.call("0003*211")
    await ana.ended()
    assert (ana.status, bob.status) == (486, 486)


async def test_declined_while_ringing(plug_in: PlugIn) -> None:
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    await ana.call("0003*211")
    await bob.ringing()
    await bob.hang_up()
    await ana.ended()
    assert bob.status == 603


async def test_the_caller_gives_up(plug_in: PlugIn) -> None:
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    await ana.call("0003*211")
    await asyncio.gather(ana.ringing(), bob.ringing())
    await ana.hang_up()
    await bob.ended()
    assert (ana.status, bob.status) == (487, 487)


async def test_no_such_phone(plug_in: PlugIn) -> None:
    ana = await plug_in("0003*210")
    await ana.call("0003*999")
    await ana.ended()
    assert ana.status == 404


async def test_a_ring_group_that_one_answers(plug_in: PlugIn) -> None:
    ana, eve, dan = [await plug_in(extension) for extension in ("0003*210", "0003*024", "0003*025")]
    await ana.call("0003*600")
    await asyncio.gather(eve.ringing(), dan.ringing())
    await dan.answer()
    await asyncio.gather(ana.answered(), eve.ended())
    assert eve.status == 487
    await hear_each_other(ana, dan)


async def test_a_call_from_the_time_when_it_was_plugged_out_is_not_the_phones(
    plug_in: PlugIn, asterisk: Asterisk
) -> None:
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    await ana.call("0003*024")
    await until(lambda: any("0003*024-" in channel.name for channel in asterisk.channels()))
    eve = await plug_in("0003*024")
    await until(lambda: eve.missed)  # the PBX repeats its INVITE
    assert eve.current is None
    await bob.call("0003*024")
    await eve.answer()
    await bob.answered()
    await ana.hang_up()
    await until(lambda: eve.missed[0].state is State.ENDED)
    assert eve.state is State.TALKING
    await hear_each_other(bob, eve)


async def test_direct_media(plug_in: PlugIn) -> None:
    fay, gus = await in_a_call(plug_in, "0003*220", "0003*221")
    await hear_each_other(fay, gus)
    assert fay.rtp.source == (gus.address, RTP_PORT)
    assert gus.rtp.source == (fay.address, RTP_PORT)
    await gus.hang_up()
    await fay.ended()


async def test_a_call_from_the_trunk(plug_in: PlugIn) -> None:
    trunk, ana = await plug_in("trunk"), await plug_in("0003*210")
    ana.will_answer()
    await trunk.call("40311234567", caller_name="Customer", caller_number="40721000111")
    call = await ana.answered()
    await trunk.answered()
    assert call.header("From").startswith('"Customer" <sip:40721000111@')
    await hear_each_other(trunk, ana)


async def test_a_call_to_the_trunk(plug_in: PlugIn) -> None:
    trunk, ana = await plug_in("trunk"), await plug_in("0003*210")
    trunk.will_answer()
    await ana.call("0040721000111")
    call = await trunk.answered()
    await ana.answered()
    assert call.invite.startswith("INVITE sip:0040721000111@")
    await hear_each_other(trunk, ana)


async def test_a_call_to_another_organization(plug_in: PlugIn) -> None:
    ana, una = await in_a_call(plug_in, "0003*210", "0004*300")
    await hear_each_other(ana, una)


async def test_the_phone_itself_holds(plug_in: PlugIn) -> None:
    ana, bob = await in_a_call(plug_in, "0003*210", "0003*211")
    await hear_each_other(ana, bob)
    await ana.hold()
    await bob.hears("M")
    assert await bob.listen(1) == ["M", "M"]
    await ana.unhold()
    await hear_each_other(ana, bob)


async def test_the_menu_plays(plug_in: PlugIn) -> None:
    ana = await plug_in("0003*210")
    await ana.call("0003*700")
    await ana.answered()
    assert "-" not in (await ana.listen(1.5))[1:]
    await ana.hang_up()
