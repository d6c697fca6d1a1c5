"""Calls that wait for an agent."""

from tests.pbx.phone import Phone
from tests.plays.stage import Stage


async def queue_of_phones(stage: Stage) -> None:
    ana, cleo, dan = await stage.phones("0003*210", "0003*024", "0003*025")
    await ana.call("0003*610")
    await cleo.ringing()
    await dan.ringing()
    await stage.step("ringing")
    await dan.answer()
    await cleo.ended()
    await _talk_and_end(stage, ana, dan)


async def queue_of_local_channels(stage: Stage) -> None:
    ana, dan = await _served_by_dan(stage, "0003*611")
    await stage.optimized()
    await _talk_and_end(stage, ana, dan)


async def queue_of_local_channels_that_stay(stage: Stage) -> None:
    ana, dan = await _served_by_dan(stage, "0003*612")
    await _talk_and_end(stage, ana, dan)


async def _served_by_dan(stage: Stage, number: str) -> tuple[Phone, Phone]:
    ana, dan = await stage.phones("0003*210", "0003*025")
    await ana.call(number)
    await dan.ringing()
    await stage.step("ringing")
    await dan.answer()
    await ana.answered()
    return ana, dan


async def _talk_and_end(stage: Stage, caller: Phone, agent: Phone) -> None:
    await stage.step("talking")
    await caller.hang_up()
    await agent.ended()
    await stage.over()


async def queue_whose_agent_hangs_up(stage: Stage) -> None:
    """Dan, after Cleo was busy."""
    ana, cleo, dan = await stage.phones("0003*210", "0003*024", "0003*025")
    cleo.will_reject(486)
    await ana.call("0003*610")
    await dan.ringing()
    await cleo.ended()
    await stage.let_go("0003*024")
    await dan.answer()
    await stage.step("talking")
    await dan.hang_up()
    await ana.ended()
    await stage.over()


async def queue_whose_agent_transfers(stage: Stage) -> None:
    ana, bob, cleo = await stage.phones("0003*210", "0003*211", "0003*024")
    await ana.call("0003*613")
    await cleo.answer()
    await stage.step("talking")
    await cleo.transfer("0003*211")
    await bob.ringing()
    await stage.step("ringing after the transfer")
    await bob.answer()
    await stage.step("transferred")
    await ana.hang_up()
    await bob.ended()
    await stage.over()


async def queue_that_serves_three_in_turn(stage: Stage) -> None:
    """Cleo is the only agent; Ana, Bob and Dan call in this order."""
    cleo = await stage.phone("0003*024")
    callers = await stage.phones("0003*210", "0003*211", "0003*025")
    for caller in callers:
        await caller.call("0003*613")
        await caller.answered()
        await stage.in_queue(caller.extension)
    await cleo.ringing()
    await stage.step("three wait")
    await _serve(stage, cleo, callers[0])
    await _serve(stage, cleo, callers[1])
    await cleo.answer()
    await stage.step(f"talking to {callers[2].extension}")
    await cleo.hang_up()
    await callers[2].ended()
    await stage.over()


async def _serve(stage: Stage, agent: Phone, caller: Phone) -> None:
    await agent.answer()
    await stage.step(f"talking to {caller.extension}")
    call = agent.current
    await caller.hang_up()
    await agent.ended(call=call)
    await agent.ringing()
    await stage.step("the next one rings")


async def queue_abandoned(stage: Stage) -> None:
    ana, cleo, dan = await stage.phones("0003*210", "0003*024", "0003*025")
    await ana.call("0003*610")
    await cleo.ringing()
    await dan.ringing()
    await stage.step("ringing")
    await ana.hang_up()
    await cleo.ended()
    await dan.ended()
    await stage.over()


async def queue_without_agents_abandoned(stage: Stage) -> None:
    (ana,) = await stage.phones("0003*210")
    await ana.call("0003*614")
    await ana.answered()
    await stage.in_queue("0003*210")
    await stage.step("waiting")
    await ana.hang_up()
    await stage.over()


async def queue_that_sends_on(stage: Stage) -> None:
    """Nobody serves Ana for two seconds, so she goes on to Cleo."""
    ana, cleo = await stage.phones("0003*210", "0003*024")
    await ana.call("0003*615")
    await ana.answered()
    await stage.step("waiting")
    await cleo.ringing()
    await stage.step("ringing")
    await cleo.answer()
    await stage.step("talking")
    await ana.hang_up()
    await cleo.ended()
    await stage.over()


PLAYS = (
    queue_of_phones,
    queue_of_local_channels,
    queue_of_local_channels_that_stay,
    queue_whose_agent_hangs_up,
    queue_whose_agent_transfers,
    queue_that_serves_three_in_turn,
    queue_abandoned,
    queue_without_agents_abandoned,
    queue_that_sends_on,
)
