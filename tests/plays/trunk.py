"""Calls from outside and to outside."""

from tests.plays.stage import Stage


async def from_outside_to_a_phone(stage: Stage) -> None:
    trunk, ana = await stage.phones("trunk", "0003*210")
    await trunk.call("40311234567", caller_name="Customer", caller_number="40721000111")
    await ana.ringing()
    await stage.step("ringing")
    await ana.answer()
    await trunk.answered()
    await stage.step("talking")
    await trunk.hang_up()
    await ana.ended()
    await stage.over()


async def from_outside_to_a_ring_group(stage: Stage) -> None:
    trunk, cleo, dan = await stage.phones("trunk", "0003*024", "0003*025")
    await trunk.call("40311234600", caller_name="Customer", caller_number="40721000111")
    await cleo.ringing()
    await dan.ringing()
    await stage.step("ringing")
    await dan.answer()
    await cleo.ended()
    await stage.step("talking")
    await dan.hang_up()
    await trunk.ended()
    await stage.over()


async def to_outside(stage: Stage) -> None:
    trunk, ana = await stage.phones("trunk", "0003*210")
    await ana.call("0040721000111", caller_name="Ana")
    await trunk.ringing()
    await stage.step("ringing")
    await trunk.answer()
    await ana.answered()
    await stage.step("talking")
    await ana.hang_up()
    await trunk.ended()
    await stage.over()


async def from_outside_and_on_to_outside(stage: Stage) -> None:
    """Ana sends a customer on to another number outside."""
    trunk, ana = await stage.phones("trunk", "0003*210")
    customer = await trunk.call("40311234567", caller_name="Customer", caller_number="40721000111")
    await ana.answer()
    await trunk.answered()
    await stage.step("talking")
    await ana.transfer("0040721000222")
    await stage.step("ringing outside")
    await trunk.answer()
    await stage.step("talking outside")
    await trunk.hang_up(customer)
    await trunk.ended()
    await stage.over()


PLAYS = (
    from_outside_to_a_phone,
    from_outside_to_a_ring_group,
    to_outside,
    from_outside_and_on_to_outside,
)
