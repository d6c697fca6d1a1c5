"""SIGHUP again and again while calls go on: nothing is lost, and no line breaks."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

from tests.delivery.daemon import daemon
from tests.delivery.ledger import Ledger, assert_is_settled
from tests.delivery.moody_receiver import Mood, MoodyReceiver
from tests.delivery.played_pbx import PlayedPbx
from tests.delivery.traffic import phones, subscribe, telephone
from tests.pbx.addresses import address
from tests.pbx.client import Client
from tests.pbx.uapid import Uapid

RELOADS, LANES = 20, 6
DELIVERY = ('allow_networks = ["127.0.0.0/8"]',)
MOODS = {Mood.TAKES: 1, Mood.TAKES_LATE: 1}
JANE = """
[[users]]
id = 13
name = "Jane Roe"
extensions = ["0009*100"]
"""


async def test_no_call_no_line_and_no_delivery_is_dropped_by_reloads_good_or_bad(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    ledger, random = Ledger(), Random(6)
    async with AsyncExitStack() as stack:
        pbx = await stack.enter_async_context(
            PlayedPbx(phone for lane in range(LANES) for phone in phones(lane))
        )
        receiver = await stack.enter_async_context(
            MoodyReceiver(address(31), random, MOODS, ledger.note)
        )
        uapid, app = await stack.enter_async_context(daemon(tmp_path, pbx, *DELIVERY))
        for lane in range(LANES):
            await subscribe(app, lane, [receiver])
        ending = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for lane in range(LANES):
                group.create_task(telephone(pbx, ledger, lane, random, ending))
            await reload_again_and_again(uapid, app)
            ending.set()
        await uapid.until_all_is_over()
        assert pbx.logins == 1
        assert await uapid.stop() == 0
    tell(f"{RELOADS} reloads, half of them of a bad file: {len(ledger.expected)} events told")
    assert_is_settled(ledger, tmp_path / "uapid.sqlite")
    assert len(ledger.arrivals) == len(ledger.first), "none is told twice"


async def reload_again_and_again(uapid: Uapid, app: Client) -> None:
    """Jane comes and goes; in between the file is none that could be read."""
    plain = uapid.settings.read_text()
    there = False
    for number in range(RELOADS):
        if number % 2:
            uapid.settings.write_text(f"{plain}\n[[users]]\nid = 'many'\n")
            told = await uapid.reload()
            assert f"{uapid.settings}: users.1.id: got 'many'" in told
        else:
            there = not there
            uapid.settings.write_text(plain + JANE if there else plain)
            assert "settings: read again; changed: users" in await uapid.reload()
        assert (await app.get("/phoneCalls/@me/@self")).status in (200, 204)
