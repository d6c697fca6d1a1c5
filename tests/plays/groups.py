"""Phones that ring together, and calls picked up by others."""

from tests.plays.stage import Stage


async def ring_group_with_one_answer(stage: Stage) -> None:
    ana, cleo, dan = await stage.phones("0003*210", "0003*024", "0003*025")
    await ana.call("0003*600")
    await cleo.ringing()
    await dan.ringing()
    await stage.step("ringing")
    await dan.answer()
    await cleo.ended()
    await stage.step("talking")
    await ana.hang_up()
    await dan.ended()
    await stage.over()


async def ring_group_given_up(stage: Stage) -> None:
    ana, cleo, dan = await stage.phones("0003*210", "0003*024", "0003*025")
    await ana.call("0003*600")
    await cleo.ringing()
    await dan.ringing()
    await stage.step("ringing")
    await ana.hang_up()
    await cleo.ended()
    await dan.ended()
    await stage.over()


async def picked_up_within_the_group(stage: Stage) -> None:
    await _picked_up(stage, "*8")


async def picked_up_by_number(stage: Stage) -> None:
    await _picked_up(stage, "*80003*211")


async def _picked_up(stage: Stage, number: str) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await ana.call("0003*211")
    await bob.ringing()
    await stage.step("ringing")
    await cleo.call(number)
    await cleo.answered()
    await ana.answered()
    await bob.ended()
    await stage.step("picked up")
    await ana.hang_up()
    await cleo.ended()
    await stage.over()


async def ring_group_picked_up(stage: Stage) -> None:
    """Bob takes a call from outside that rings at Cleo and Dan."""
    trunk, bob, cleo, dan = await stage.phones("trunk", "0003*211", "0003*024", "0003*025")
    await trunk.call("40311234600", caller_name="Customer", caller_number="40721000111")
    await cleo.ringing()
    await dan.ringing()
    await stage.step("ringing")
    await bob.call("*8")
    await bob.answered()
    await cleo.ended()
    await dan.ended()
    await stage.step("picked up")
    await bob.hang_up()
    await trunk.ended()
    await stage.over()


PLAYS = (
    ring_group_with_one_answer,
    ring_group_given_up,
    picked_up_within_the_group,
    picked_up_by_number,
    ring_group_picked_up,
)
