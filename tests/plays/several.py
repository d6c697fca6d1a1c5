"""Phones with more than one call, and what a phone does by itself."""

from tests.plays.stage import Stage
from tests.plays.transfers import talking


async def held_by_the_phone(stage: Stage) -> None:
    ana, bob = await stage.phones("0003*210", "0003*211")
    await talking(stage, ana, bob)
    await ana.hold()
    await stage.step("on hold")
    await bob.hold()
    await stage.step("both hold")
    await ana.unhold()
    await stage.step("held by the other")
    await bob.unhold()
    await stage.step("talking again")
    await ana.hang_up()
    await bob.ended()
    await stage.over()


async def hung_up_while_held(stage: Stage) -> None:
    ana, bob = await stage.phones("0003*210", "0003*211")
    await talking(stage, ana, bob)
    await ana.hold()
    await stage.step("on hold")
    await bob.hang_up()
    await ana.ended()
    await stage.over()


async def second_call_comes_in(stage: Stage) -> None:
    """Cleo calls while Ana talks to Bob; Ana holds Bob and talks to Cleo, then to Bob again."""
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await talking(stage, ana, bob)
    first = ana.current
    assert first
    await cleo.call("0003*210")
    await cleo.ringing()
    await stage.step("second call rings")
    await ana.hold(first)
    await ana.answer()
    await stage.step("two calls")
    await cleo.hang_up()
    await ana.ended()
    ana.switch_to(first)
    await ana.unhold()
    await stage.step("talking again")
    await ana.hang_up()
    await bob.ended()
    await stage.over()


async def two_calls_of_one_phone(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await talking(stage, ana, bob)
    first = ana.current
    assert first
    await ana.call("0003*024")
    await cleo.answer()
    await ana.answered()
    await stage.step("two calls")
    await bob.hang_up()
    await ana.ended(call=first)
    await stage.step("one call")
    await cleo.hang_up()
    await ana.ended()
    await stage.over()


async def calls_itself(stage: Stage) -> None:
    (ana,) = await stage.phones("0003*210")
    outgoing = await ana.call("0003*210")
    await ana.ringing(call=outgoing)
    await stage.step("ringing")
    await ana.answer()
    await ana.answered(call=outgoing)
    await stage.step("talking")
    await ana.hang_up(outgoing)
    await ana.ended()
    await stage.over()


PLAYS = (
    held_by_the_phone,
    hung_up_while_held,
    second_call_comes_in,
    two_calls_of_one_phone,
    calls_itself,
)
