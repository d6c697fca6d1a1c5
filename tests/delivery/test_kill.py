"""kill -9 at random moments, while calls go on and receivers fail: nothing is lost, nothing is told
out of order, and nothing is told twice but with the same webhook-id.

As each call takes its next step when all that the last one gave to tell has been received, what a
kill loses between the socket and the disk is still to be seen on the PBX after the restart: what is
to be told of each leg is known exactly.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest

from tests.delivery.daemon import daemon
from tests.delivery.ledger import Ledger, assert_is_settled
from tests.delivery.moody_receiver import Mood, MoodyReceiver
from tests.delivery.played_pbx import PlayedPbx
from tests.delivery.traffic import phones, subscribe, telephone
from tests.pbx.addresses import address
from tests.pbx.uapid import Uapid
from tests.unit.waiting import until

pytestmark = pytest.mark.xdist_group("busy")

KILLS = int(os.environ.get("KILLS", "100"))
SEED = int(os.environ.get("SEED", "0")) or Random().randrange(1, 1 << 32)
LANES = 24
RECEIVERS = tuple(map(address, range(31, 35)))
START_PART, LONGEST_START, LONGEST_RUN = 0.2, 0.8, 0.6  # of the kills; seconds; seconds

DELIVERY = (
    'allow_networks = ["127.0.0.0/8"]',
    f"schedule = {[0, 0.05, 0.1, *[0.2] * 97]}",
    "connect_timeout = 0.5",
    "timeout = 0.5",
)

# Of a thousand. A server that fails five times in a row, or asks for a pause, is left alone for a
# while, which is not to be most of the time.
MOODS = {
    Mood.TAKES: 600,
    Mood.TAKES_LATE: 258,
    Mood.ERROR: 40,
    Mood.BUSY: 2,
    Mood.CLOSES_UNREAD: 40,
    Mood.CLOSES: 40,
    Mood.SILENT: 20,
}


@pytest.fixture
def random() -> Random:
    print(f"SEED={SEED}")  # what repeats a run that failed, as far as time lets it
    return Random(SEED)


async def test_no_event_is_lost_reordered_or_invented_when_the_daemon_is_killed_again_and_again(
    tmp_path: Path, random: Random, tell: Callable[[str], None]
) -> None:
    ledger = Ledger()
    async with AsyncExitStack() as stack:
        pbx = await stack.enter_async_context(
            PlayedPbx(phone for lane in range(LANES) for phone in phones(lane))
        )
        receivers = [
            await stack.enter_async_context(MoodyReceiver(host, random, MOODS, ledger.note))
            for host in RECEIVERS
        ]
        uapid, app = await stack.enter_async_context(daemon(tmp_path, pbx, *DELIVERY))
        for lane in range(LANES):
            await subscribe(app, lane, receivers)
        ending = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for lane in range(LANES):
                group.create_task(telephone(pbx, ledger, lane, random, ending))
            kills = group.create_task(kill_again_and_again(uapid, pbx, random))
            kills.add_done_callback(lambda _: ending.set())
        await uapid.until_all_is_over()
        assert await uapid.stop() == 0
    failures = sum(receiver.failures for receiver in receivers)
    again = len(ledger.arrivals) - len(ledger.first)
    tell(
        f"kill -9 with seed {SEED}: {kills.result()} kills, {len(ledger.expected)} events, "
        f"{again} received again, {failures} attempts that the receivers let fail"
    )
    assert_is_settled(ledger, tmp_path / "uapid.sqlite")


async def kill_again_and_again(uapid: Uapid, pbx: PlayedPbx, random: Random) -> int:
    """At random moments, some of them in its start; how often. The last start is left alone."""
    kills = 0
    while kills < KILLS:
        await asyncio.sleep(random.uniform(0, LONGEST_RUN))
        await uapid.kill()
        kills += 1
        while random.random() < START_PART:
            await kill_in_its_start(uapid, random.uniform(0, LONGEST_START))
            kills += 1
        lists = pbx.lists
        await uapid.start()
        await until(lambda lists=lists: pbx.lists > lists)  # type: ignore[misc]
    return kills


async def kill_in_its_start(uapid: Uapid, after: float) -> None:
    starting = asyncio.create_task(uapid.start())
    await asyncio.wait({starting}, timeout=after)
    if starting.done():
        starting.result()
    await until(lambda: uapid.running)
    await uapid.kill()
    await asyncio.gather(starting, return_exceptions=True)
