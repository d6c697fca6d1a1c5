"""Transfers that a phone does: by REFER, and by pressing the keys of a feature code."""

import asyncio

from tests.pbx.phone import Phone
from tests.plays.stage import Stage


async def talking(stage: Stage, caller: Phone, called: Phone, number: str = "") -> None:
    """The caller calls the other phone, or a number that leads there, and it answers."""
    await caller.call(number or called.extension)
    await called.answer()
    await caller.answered()
    await stage.step("talking")


async def blind_transfer_by_the_caller(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await talking(stage, ana, bob)
    await ana.transfer("0003*024")
    await rings_talks_and_ends(stage, bob, cleo)


async def blind_transfer_by_the_called(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await talking(stage, ana, bob)
    await bob.transfer("0003*024")
    await rings_talks_and_ends(stage, ana, cleo)


async def blind_transfer_to_a_busy_phone(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    cleo.will_reject(486)
    await talking(stage, ana, bob)
    await ana.transfer("0003*024")
    await bob.ended()
    await stage.over()


async def blind_transfer_that_nobody_answers(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await talking(stage, ana, bob)
    await ana.transfer("0003*601")
    await cleo.ringing()
    await bob.ended()
    await stage.over()


async def attended_transfer_by_the_caller(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await talking(stage, ana, bob)
    await _attended(stage, ana, bob, cleo)


async def attended_transfer_by_the_called(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await talking(stage, ana, bob)
    await _attended(stage, bob, ana, cleo)


async def attended_transfer_of_a_call_from_outside(stage: Stage) -> None:
    trunk, ana, cleo = await stage.phones("trunk", "0003*210", "0003*024")
    await trunk.call("40311234567", caller_name="Customer", caller_number="40721000111")
    await ana.answer()
    await trunk.answered()
    await stage.step("talking")
    await _attended(stage, ana, trunk, cleo)


async def attended_transfer_called_off(stage: Stage) -> None:
    """Ana asks Cleo, and goes back to Bob."""
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await talking(stage, ana, bob)
    first = ana.current
    await ana.hold()
    await stage.step("on hold")
    await ana.call("0003*024")
    await cleo.answer()
    await ana.answered()
    await stage.step("asking")
    await ana.hang_up()
    await cleo.ended()
    await ana.unhold(first)
    await stage.step("talking again")
    await bob.hang_up()
    await ana.ended(call=first)
    await stage.over()


async def keyed_blind_transfer_by_the_caller(stage: Stage) -> None:
    ana, cleo, dan = await stage.phones("0003*210", "0003*024", "0003*025")
    await talking(stage, ana, cleo, "0003*624")
    await ana.press("#1")
    await stage.step("number asked for")
    await ana.press("0003*025")
    await ana.ended()
    await rings_talks_and_ends(stage, cleo, dan)


async def keyed_blind_transfer_by_the_called(stage: Stage) -> None:
    ana, cleo, dan = await stage.phones("0003*210", "0003*024", "0003*025")
    await talking(stage, ana, cleo, "0003*624")
    await cleo.press("#1")
    await stage.step("number asked for")
    await cleo.press("0003*025")
    await cleo.ended()
    await rings_talks_and_ends(stage, ana, dan)


async def keyed_attended_transfer_by_the_caller(stage: Stage) -> None:
    ana, cleo, dan = await stage.phones("0003*210", "0003*024", "0003*025")
    await talking(stage, ana, cleo, "0003*624")
    await _keyed_attended(stage, ana, dan)
    await ana.hang_up()
    await stage.optimized()
    await stage.step("transferred")
    await cleo.hang_up()
    await dan.ended()
    await stage.over()


async def keyed_attended_transfer_by_the_called(stage: Stage) -> None:
    ana, cleo, dan = await stage.phones("0003*210", "0003*024", "0003*025")
    await talking(stage, ana, cleo, "0003*624")
    await _keyed_attended(stage, cleo, dan)
    await cleo.hang_up()
    await stage.optimized()
    await stage.step("transferred")
    await ana.hang_up()
    await dan.ended()
    await stage.over()


async def keyed_attended_transfer_called_off(stage: Stage) -> None:
    ana, cleo, dan = await stage.phones("0003*210", "0003*024", "0003*025")
    await talking(stage, ana, cleo, "0003*624")
    await _keyed_attended(stage, ana, dan)
    await dan.hang_up()
    await stage.step("talking again")
    await ana.hang_up()
    await cleo.ended()
    await stage.over()


async def keyed_attended_transfer_before_the_answer(stage: Stage) -> None:
    """Ana hangs up while Dan still rings."""
    ana, cleo, dan = await stage.phones("0003*210", "0003*024", "0003*025")
    await talking(stage, ana, cleo, "0003*624")
    await ana.press("*2")
    await stage.step("number asked for")
    await ana.press("0003*025")
    await dan.ringing()
    await stage.step("ringing at the third")
    await ana.hang_up()
    await stage.step("ringing after the transfer")
    await dan.answer()
    await stage.optimized()
    await stage.step("transferred")
    await cleo.hang_up()
    await dan.ended()
    await stage.over()


async def _keyed_attended(stage: Stage, by: Phone, third: Phone) -> None:
    await by.press("*2")
    await stage.step("number asked for")
    await by.press(third.extension)
    await third.ringing()
    await stage.step("ringing at the third")
    await third.answer()
    await stage.step("asking")


async def rings_talks_and_ends(stage: Stage, transferred: Phone, third: Phone) -> None:
    await third.ringing()
    await stage.step("ringing after the transfer")
    await third.answer()
    await stage.step("transferred")
    await transferred.hang_up()
    await third.ended()
    await stage.over()


async def _attended(stage: Stage, by: Phone, other: Phone, third: Phone) -> None:
    first = by.current
    assert first
    await by.hold()
    await stage.step("on hold")
    second = await by.call(third.extension)
    await third.ringing()
    await stage.step("ringing at the third")
    await third.answer()
    await by.answered()
    await stage.step("asking")
    await by.transfer_to(second, first)
    await asyncio.gather(by.ended(call=first), by.ended(call=second))
    await stage.step("transferred")
    await other.hang_up()
    await third.ended()
    await stage.over()


PLAYS = (
    blind_transfer_by_the_caller,
    blind_transfer_by_the_called,
    blind_transfer_to_a_busy_phone,
    blind_transfer_that_nobody_answers,
    attended_transfer_by_the_caller,
    attended_transfer_by_the_called,
    attended_transfer_of_a_call_from_outside,
    attended_transfer_called_off,
    keyed_blind_transfer_by_the_caller,
    keyed_blind_transfer_by_the_called,
    keyed_attended_transfer_by_the_caller,
    keyed_attended_transfer_by_the_called,
    keyed_attended_transfer_called_off,
    keyed_attended_transfer_before_the_answer,
)
