"""Calls that no phone began: placed by an AMI client, and those of another ARI client."""

from tests.plays.stage import Stage


async def originated_from_a_phone(stage: Stage) -> None:
    """Ana's phone rings first, then Bob's."""
    ana, bob = await stage.phones("0003*210", "0003*211")
    await _originate(stage, "PJSIP/0003*210", "0003*211")
    await ana.ringing()
    await stage.step("ringing at the first")
    await ana.answer()
    await bob.ringing()
    await stage.step("ringing at the second")
    await bob.answer()
    await stage.step("talking")
    await ana.hang_up()
    await bob.ended()
    await stage.over()


async def originated_from_outside(stage: Stage) -> None:
    """The customer's phone rings first, then Ana's."""
    trunk, ana = await stage.phones("trunk", "0003*210")
    await _originate(stage, "PJSIP/0040721000111@trunk", "0003*210")
    await trunk.ringing()
    await stage.step("ringing at the first")
    await trunk.answer()
    await ana.ringing()
    await stage.step("ringing at the second")
    await ana.answer()
    await stage.step("talking")
    await ana.hang_up()
    await trunk.ended()
    await stage.over()


async def originated_from_a_phone_to_outside(stage: Stage) -> None:
    ana, trunk = await stage.phones("0003*210", "trunk")
    await _originate(stage, "PJSIP/0003*210", "0040721000111")
    await ana.answer()
    await trunk.ringing()
    await stage.step("ringing at the second")
    await trunk.answer()
    await stage.step("talking")
    await trunk.hang_up()
    await ana.ended()
    await stage.over()


async def originated_through_a_local_channel(stage: Stage) -> None:
    ana, bob = await stage.phones("0003*210", "0003*211")
    await _originate(stage, "Local/0003*210@internal", "0003*211")
    await ana.ringing()
    await stage.step("ringing at the first")
    await ana.answer()
    await bob.ringing()
    await stage.step("ringing at the second")
    await bob.answer()
    await stage.optimized()
    await stage.step("talking")
    await bob.hang_up()
    await ana.ended()
    await stage.over()


async def originated_and_not_answered(stage: Stage) -> None:
    (ana,) = await stage.phones("0003*210")
    await _originate(stage, "PJSIP/0003*210", "0003*211")
    await ana.ringing()
    await stage.step("ringing")
    await ana.hang_up()
    await stage.over()


async def _originate(stage: Stage, channel: str, number: str) -> None:
    await stage.ami(
        "Originate",
        Channel=channel,
        Context="internal",
        Exten=number,
        Priority="1",
        CallerID="Dialer <5000>",
        Async="true",
    )


async def bridged_by_another_app(stage: Stage) -> None:
    """The app connects Ana, who called it, with Bob, whom it calls. Bob leaves first."""
    ana, bob = await stage.phones("0003*210", "0003*211")
    app = await stage.other_app()
    await ana.call("0003*640")
    first = await app.given_a_call()
    await app.answer(first)
    await ana.answered()
    await stage.step("in the app")
    bridge = await app.make_bridge()
    await app.add(first, bridge)
    await app.call("0003*211")
    await bob.ringing()
    await stage.step("ringing")
    await bob.answer()
    await app.add(await app.given_a_call(), bridge)
    await stage.step("talking")
    await bob.hang_up()
    await stage.step("one is left")
    await app.hang_up(first)
    await ana.ended()
    await app.destroy(bridge)
    await stage.over()


PLAYS = (
    originated_from_a_phone,
    originated_from_outside,
    originated_from_a_phone_to_outside,
    originated_through_a_local_channel,
    originated_and_not_answered,
    bridged_by_another_app,
)
