"""The PBX in the hands of a test that breaks it."""

import asyncio
import time

from tests.pbx.asterisk import VERSION, Asterisk
from tests.pbx.call import State
from tests.pbx.fixtures import PlugIn


def test_it_is_the_version_that_was_asked_for(asterisk: Asterisk) -> None:
    assert f"Asterisk {VERSION}." in asterisk.cli("core show version")


async def test_it_works_again_after_a_crash(plug_in: PlugIn, asterisk: Asterisk) -> None:
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    bob.will_answer()
    began = time.time()
    asterisk.kill()
    asterisk.revive()
    assert "Asterisk Ready" in asterisk.log(since=began)
    await ana.call("0003*211")
    await asyncio.gather(ana.answered(), bob.answered())


async def test_a_frozen_pbx_goes_on_where_it_was(plug_in: PlugIn, asterisk: Asterisk) -> None:
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    asterisk.pause()
    await ana.call("0003*211")
    assert (await ana.listen(0.5), ana.state, bob.state) == (["-"], State.CALLING, State.IDLE)
    asterisk.unpause()
    await bob.ringing()


async def test_hanging_up_all(plug_in: PlugIn, asterisk: Asterisk) -> None:
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    bob.will_answer()
    await ana.call("0003*211")
    await asyncio.gather(ana.answered(), bob.answered())
    assert len(asterisk.channels()) == 2
    asterisk.hang_up_all()
    assert asterisk.channels() == []
    await asyncio.gather(ana.ended(), bob.ended())
