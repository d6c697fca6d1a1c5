"""Calls that are parked, and how they come back."""

from tests.plays.stage import Stage
from tests.plays.transfers import talking


async def parked_by_ami_and_retrieved(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await talking(stage, ana, bob)
    await stage.ami(
        "Park",
        Channel=stage.channel("0003*211"),
        TimeoutChannel=stage.channel("0003*210"),
        Parkinglot="default",
    )
    # She is told the number first.
    await ana.ended(within=10)
    await stage.step("parked")
    await cleo.call("7801")
    await cleo.answered()
    await stage.step("retrieved")
    await cleo.hang_up()
    await bob.ended()
    await stage.over()


async def parked_by_a_transfer_and_retrieved(stage: Stage) -> None:
    trunk, ana, cleo = await stage.phones("trunk", "0003*210", "0003*024")
    await trunk.call("40311234567", caller_name="Customer", caller_number="40721000111")
    await ana.answer()
    await trunk.answered()
    await stage.step("talking")
    await ana.transfer("7800")
    await stage.step("parked")
    await cleo.call("7801")
    await cleo.answered()
    await stage.step("retrieved")
    await trunk.hang_up()
    await cleo.ended()
    await stage.over()


async def parked_and_called_back(stage: Stage) -> None:
    """Nobody retrieves Bob, so after two seconds Ana's phone rings."""
    ana, bob = await stage.phones("0003*210", "0003*211")
    await talking(stage, ana, bob)
    await ana.transfer("7900")
    await stage.step("parked")
    await ana.answer()
    await stage.step("talking again")
    await bob.hang_up()
    await ana.ended()
    await stage.over()


async def parked_and_given_up(stage: Stage) -> None:
    ana, bob = await stage.phones("0003*210", "0003*211")
    await talking(stage, ana, bob)
    await bob.transfer("7800")
    await stage.step("parked")
    await ana.hang_up()
    await stage.over()


PLAYS = (
    parked_by_ami_and_retrieved,
    parked_by_a_transfer_and_retrieved,
    parked_and_called_back,
    parked_and_given_up,
)
