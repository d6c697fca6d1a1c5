"""Calls between two phones, with each kind of end."""

from tests.plays.stage import Stage


async def answered_and_ended_by_the_caller(stage: Stage) -> None:
    ana, bob = await stage.phones("0003*210", "0003*211")
    await ana.call("0003*211", caller_name="Ana")
    await ana.ringing()
    await stage.step("ringing")
    await bob.answer()
    await ana.answered()
    await stage.step("talking")
    await ana.hang_up()
    await bob.ended()
    await stage.over()


async def answered_and_ended_by_the_called(stage: Stage) -> None:
    ana, bob = await stage.phones("0003*210", "0003*211")
    await ana.call("211")
    await bob.answer()
    await ana.answered()
    await stage.step("talking")
    await bob.hang_up()
    await ana.ended()
    await stage.over()


async def given_up_while_ringing(stage: Stage) -> None:
    ana, bob = await stage.phones("0003*210", "0003*211")
    await ana.call("0003*211")
    await ana.ringing()
    await stage.step("ringing")
    await ana.hang_up()
    await bob.ended()
    await stage.over()


async def busy(stage: Stage) -> None:
    ana, bob = await stage.phones("0003*210", "0003*211")
    bob.will_reject(486)
    await ana.call("0003*211")
    await ana.ended()
    await stage.over()


async def rejected_while_ringing(stage: Stage) -> None:
    ana, bob = await stage.phones("0003*210", "0003*211")
    await ana.call("0003*211")
    await bob.ringing()
    await stage.step("ringing")
    await bob.hang_up()
    await ana.ended()
    await stage.over()


async def not_answered(stage: Stage) -> None:
    ana, cleo = await stage.phones("0003*210", "0003*024")
    await ana.call("0003*601")
    await cleo.ringing()
    await ana.ended()
    await stage.over()


async def phone_not_plugged_in(stage: Stage) -> None:
    (ana,) = await stage.phones("0003*210")
    await ana.call("0003*601")
    await ana.ended()
    await stage.over()


async def no_such_number(stage: Stage) -> None:
    (ana,) = await stage.phones("0003*210")
    await ana.call("0003*999")
    await ana.ended()
    await stage.over()


PLAYS = (
    answered_and_ended_by_the_caller,
    answered_and_ended_by_the_called,
    given_up_while_ringing,
    busy,
    rejected_while_ringing,
    not_answered,
    phone_not_plugged_in,
    no_such_number,
)
