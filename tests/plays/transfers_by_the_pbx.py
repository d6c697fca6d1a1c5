"""Calls moved by an AMI client: BlindTransfer, Atxfer and Redirect."""

from tests.pbx.phone import Phone
from tests.plays.stage import Stage
from tests.plays.transfers import rings_talks_and_ends, talking

DIALPLAN = {"Context": "internal", "Priority": "1"}


async def ami_blind_transfer_of_the_called(stage: Stage) -> None:
    """What AMI names is the leg that transfers and leaves."""
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await talking(stage, ana, bob)
    channel = stage.channel("0003*210")
    await stage.ami("BlindTransfer", Channel=channel, Context="internal", Exten="0003*024")
    await ana.ended()
    await rings_talks_and_ends(stage, bob, cleo)


async def ami_blind_transfer_of_the_caller(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await talking(stage, ana, bob)
    channel = stage.channel("0003*211")
    await stage.ami("BlindTransfer", Channel=channel, Context="internal", Exten="0003*024")
    await bob.ended()
    await cleo.ringing()
    await stage.step("ringing after the transfer")
    await cleo.answer()
    await stage.step("transferred")
    await cleo.hang_up()
    await ana.ended()
    await stage.over()


async def ami_attended_transfer(stage: Stage) -> None:
    ana, cleo, dan = await stage.phones("0003*210", "0003*024", "0003*025")
    await talking(stage, ana, cleo, "0003*624")
    channel = stage.channel("0003*210")
    await stage.ami("Atxfer", Channel=channel, Context="internal", Exten="0003*025")
    await dan.ringing()
    await stage.step("ringing at the third")
    await dan.answer()
    await stage.step("asking")
    await ana.hang_up()
    await stage.optimized()
    await stage.step("transferred")
    await cleo.hang_up()
    await dan.ended()
    await stage.over()


async def ami_attended_transfer_called_off(stage: Stage) -> None:
    ana, cleo, dan = await stage.phones("0003*210", "0003*024", "0003*025")
    await talking(stage, ana, cleo, "0003*624")
    channel = stage.channel("0003*210")
    await stage.ami("Atxfer", Channel=channel, Context="internal", Exten="0003*025")
    await dan.answer()
    await stage.step("asking")
    await stage.ami("CancelAtxfer", Channel=channel)
    await dan.ended()
    await stage.step("talking again")
    await ana.hang_up()
    await cleo.ended()
    await stage.over()


async def ami_redirect_of_the_called(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await talking(stage, ana, bob)
    await _redirected(stage, bob, ana, cleo)


async def ami_redirect_of_the_caller(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await talking(stage, ana, bob)
    await _redirected(stage, ana, bob, cleo)


async def _redirected(stage: Stage, moved: Phone, left: Phone, third: Phone) -> None:
    channel = stage.channel(moved.extension)
    await stage.ami("Redirect", Channel=channel, Exten=third.extension, **DIALPLAN)
    await left.ended()
    await third.ringing()
    await stage.step("ringing after the redirect")
    await third.answer()
    await stage.step("redirected")
    await moved.hang_up()
    await third.ended()
    await stage.over()


async def ami_redirect_while_ringing(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await ana.call("0003*211")
    await bob.ringing()
    await stage.step("ringing")
    await stage.ami("Redirect", Channel=stage.channel("0003*210"), Exten="0003*024", **DIALPLAN)
    await bob.ended()
    await cleo.ringing()
    await stage.step("ringing after the redirect")
    await cleo.answer()
    await ana.answered()
    await stage.step("redirected")
    await ana.hang_up()
    await cleo.ended()
    await stage.over()


async def ami_redirect_of_both_to_a_room(stage: Stage) -> None:
    """Bob is there first and told to be alone; Ana, by 0003*801, gets in before him."""
    ana, bob = await stage.phones("0003*210", "0003*211")
    await talking(stage, ana, bob)
    await stage.ami(
        "Redirect",
        Channel=stage.channel("0003*210"),
        ExtraChannel=stage.channel("0003*211"),
        Exten="0003*801",
        **DIALPLAN,
        ExtraExten="0003*800",
        ExtraContext="internal",
        ExtraPriority="1",
    )
    await stage.bridged("0003*210")
    await stage.step("on the way to the room")
    await stage.bridged("0003*211")
    await stage.step("in the room")
    await ana.hang_up()
    await stage.step("alone in the room")
    await bob.hang_up()
    await stage.over()


async def ami_redirect_of_both_to_phones(stage: Stage) -> None:
    """Ana and Bob part: one call becomes two. Bob's goes to 0003*634, which takes its time."""
    ana, bob, cleo, dan = await stage.phones("0003*210", "0003*211", "0003*024", "0003*025")
    await talking(stage, ana, bob)
    await stage.ami(
        "Redirect",
        Channel=stage.channel("0003*210"),
        ExtraChannel=stage.channel("0003*211"),
        Exten="0003*024",
        **DIALPLAN,
        ExtraExten="0003*634",
        ExtraContext="internal",
        ExtraPriority="1",
    )
    await cleo.answer()
    await dan.answer()
    await stage.step("two calls")
    await ana.hang_up()
    await cleo.ended()
    await stage.step("one call")
    await bob.hang_up()
    await dan.ended()
    await stage.over()


PLAYS = (
    ami_blind_transfer_of_the_called,
    ami_blind_transfer_of_the_caller,
    ami_attended_transfer,
    ami_attended_transfer_called_off,
    ami_redirect_of_the_called,
    ami_redirect_of_the_caller,
    ami_redirect_while_ringing,
    ami_redirect_of_both_to_a_room,
    ami_redirect_of_both_to_phones,
)
