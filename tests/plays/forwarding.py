"""Calls that reach another phone than the one that was called: 302, dialplan, Local channels."""

from tests.pbx.phone import Phone
from tests.plays.stage import Stage


async def forwarded_by_the_phone(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    bob.will_forward("0003*024")
    await _rings_talks_and_ends(stage, ana, "0003*211", cleo)


async def forwarded_by_the_phone_in_a_ring_group(stage: Stage) -> None:
    ana, bob, cleo, dan = await stage.phones("0003*210", "0003*211", "0003*024", "0003*025")
    dan.will_forward("0003*211")
    await ana.call("0003*600")
    await cleo.ringing()
    await bob.ringing()
    await stage.step("ringing")
    await bob.answer()
    await cleo.ended()
    await stage.optimized()
    await stage.step("talking")
    await ana.hang_up()
    await bob.ended()
    await stage.over()


async def forwarded_by_the_dialplan(stage: Stage) -> None:
    ana, cleo = await stage.phones("0003*210", "0003*024")
    await _rings_talks_and_ends(stage, ana, "0003*633", cleo)


async def forwarded_by_the_dialplan_when_not_answered(stage: Stage) -> None:
    ana, cleo, dan = await stage.phones("0003*210", "0003*024", "0003*025")
    await ana.call("0003*632")
    await dan.ringing()
    await stage.step("ringing")
    await dan.ended()
    await cleo.ringing()
    await stage.step("ringing at the other phone")
    await cleo.answer()
    await ana.answered()
    await stage.optimized()
    await stage.step("talking")
    await ana.hang_up()
    await cleo.ended()
    await stage.over()


async def local_channel_that_is_optimized_away(stage: Stage) -> None:
    ana, cleo = await stage.phones("0003*210", "0003*024")
    await _rings_talks_and_ends(stage, ana, "0003*630", cleo)


async def local_channel_that_stays(stage: Stage) -> None:
    ana, cleo = await stage.phones("0003*210", "0003*024")
    await ana.call("0003*631")
    await cleo.ringing()
    await stage.step("ringing")
    await cleo.answer()
    await ana.answered()
    await stage.step("talking")
    await cleo.hang_up()
    await ana.ended()
    await stage.over()


async def local_channel_given_up_while_ringing(stage: Stage) -> None:
    ana, cleo = await stage.phones("0003*210", "0003*024")
    await ana.call("0003*630")
    await cleo.ringing()
    await stage.step("ringing")
    await ana.hang_up()
    await cleo.ended()
    await stage.over()


async def _rings_talks_and_ends(stage: Stage, caller: Phone, number: str, called: Phone) -> None:
    await caller.call(number)
    await called.ringing()
    await stage.step("ringing")
    await called.answer()
    await caller.answered()
    await stage.optimized()
    await stage.step("talking")
    await caller.hang_up()
    await called.ended()
    await stage.over()


PLAYS = (
    forwarded_by_the_phone,
    forwarded_by_the_phone_in_a_ring_group,
    forwarded_by_the_dialplan,
    forwarded_by_the_dialplan_when_not_answered,
    local_channel_that_is_optimized_away,
    local_channel_that_stays,
    local_channel_given_up_while_ringing,
)
