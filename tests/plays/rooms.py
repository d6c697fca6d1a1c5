"""Calls to what is no phone: a conference, menus, a voice mailbox."""

from tests.plays.stage import Stage


async def conference_of_three(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await ana.call("0003*800")
    await ana.answered()
    await stage.step("told to be alone")
    await stage.bridged("0003*210")
    await stage.step("alone")
    await bob.call("0003*800")
    await bob.answered()
    await stage.bridged("0003*211")
    await stage.step("two")
    await cleo.call("0003*800")
    await cleo.answered()
    await stage.bridged("0003*024")
    await stage.step("three")
    await bob.hang_up()
    await stage.step("two again")
    await ana.hang_up()
    await stage.step("alone again")
    await cleo.hang_up()
    await stage.over()


async def menu_left_for_a_phone(stage: Stage) -> None:
    ana, cleo = await stage.phones("0003*210", "0003*024")
    await ana.call("0003*700")
    await ana.answered()
    await stage.step("in the menu")
    await ana.press("024")
    await cleo.ringing()
    await stage.step("ringing")
    await cleo.answer()
    await stage.step("talking")
    await ana.hang_up()
    await cleo.ended()
    await stage.over()


async def menu_from_outside(stage: Stage) -> None:
    trunk, cleo = await stage.phones("trunk", "0003*024")
    await trunk.call("40311234700", caller_name="Customer", caller_number="40721000111")
    await trunk.answered()
    await stage.step("in the menu")
    await trunk.press("024")
    await cleo.ringing()
    await stage.step("ringing")
    await cleo.answer()
    await stage.step("talking")
    await cleo.hang_up()
    await trunk.ended()
    await stage.over()


async def menu_that_dials_the_pressed_extension(stage: Stage) -> None:
    await _menu_that_dials(stage, "0003*701")


async def menu_that_dials_what_it_read(stage: Stage) -> None:
    await _menu_that_dials(stage, "0003*702")


async def _menu_that_dials(stage: Stage, number: str) -> None:
    ana, cleo = await stage.phones("0003*210", "0003*024")
    await ana.call(number)
    await ana.answered()
    await stage.step("in the menu")
    await ana.press("4")
    await cleo.ringing()
    await stage.step("ringing")
    await cleo.answer()
    await stage.step("talking")
    await ana.hang_up()
    await cleo.ended()
    await stage.over()


async def menu_left_by_hanging_up(stage: Stage) -> None:
    (ana,) = await stage.phones("0003*210")
    await ana.call("0003*700")
    await ana.answered()
    await stage.step("in the menu")
    await ana.hang_up()
    await stage.over()


async def voicemail(stage: Stage) -> None:
    (ana,) = await stage.phones("0003*210")
    await ana.call("0003*900")
    await ana.answered()
    await stage.step("in the mailbox")
    await ana.hang_up()
    await stage.over()


async def voicemail_when_not_answered(stage: Stage) -> None:
    ana, cleo = await stage.phones("0003*210", "0003*024")
    await ana.call("0003*901")
    await cleo.ringing()
    await stage.step("ringing")
    await cleo.ended()
    await ana.answered()
    await stage.step("in the mailbox")
    await ana.hang_up()
    await stage.over()


PLAYS = (
    conference_of_three,
    menu_left_for_a_phone,
    menu_from_outside,
    menu_that_dials_the_pressed_extension,
    menu_that_dials_what_it_read,
    menu_left_by_hanging_up,
    voicemail,
    voicemail_when_not_answered,
)
