"""Many holds: of many calls at once while others come and go, and of one call again and again."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.held_pairs import PAIRS, Pair, all_hold, all_resume, pairs_of
from tests.pbx.holding import hear_each_other
from tests.pbx.inquiry import Inquiry
from tests.pbx.phonebook import PHONES
from tests.pbx.traffic import place_calls
from tests.pbx.uapid import BASE_URL, SETTINGS, Uapid

pytestmark = pytest.mark.xdist_group("busy")

# Those that are held: half of them by a request each, half by one for all of an extension.
CALLS, ARRIVAL, TALK = 200, 50, 90.0
EACH, ALL = ("0003*211", "0003*210"), ("0003*024", "0003*025")
# Those that come and go meanwhile, for as long as it takes, and where others listen.
RATE, NEW_TALK, AT_A_TIME = 20, 0.5, 200
NEW, NUMBER = ("0004*300", "trunk"), "0311234567"
FIRST, _, DIRECT, _ = PAIRS

COMPLAINTS = ("WARNING", "ERROR", "assertion", "FRACK")
# It is behind for a moment; it plays a packet of music just when the Snoop is hung up.
HARMLESS = ("taskprocessor.c", "moh_files_generator: Failed to write frame")

CYCLES = 1000
# Bytes, of the memory of the daemon and of Asterisk in the second half of the cycles. What is left
# of one channel in each cycle would be several times as much.
GROWTH = 3e6


@pytest.fixture
async def uapid(asterisk: Asterisk, tmp_path: Path) -> AsyncIterator[Uapid]:
    """A daemon whose answers tell how it ended, however long it takes."""
    patient = f"{SETTINGS}\n[api]\nhold_timeout = 60.0\nconcurrency = 500\n"
    async with Uapid(tmp_path, patient) as uapid:
        await uapid.until_connected()
        yield uapid


async def test_200_calls_are_held_and_resumed_at_once_under_20_new_calls_a_second(
    uapid: Uapid, asterisk: Asterisk, plug_in: PlugIn, tell: Callable[[str], None]
) -> None:
    over = asyncio.Event()
    took = {}
    async with (
        Client(BASE_URL, await uapid.token()) as app,
        pairs_of(uapid, plug_in, (DIRECT,)) as listening,
        Inquiry() as pbx,
        asyncio.TaskGroup() as traffic,
    ):
        for caller, called in (EACH, ALL):
            traffic.create_task(lasting(caller, called, over))
        calls = [*await in_conversation(app, EACH[1]), *await in_conversation(app, ALL[1])]
        there = {leg.unique_id for leg in await pbx.channels()}
        new = traffic.create_task(come_and_go(over))
        for action, what, all_of in (
            (app.hold, "OnHold", all_hold),
            (app.resume, "OffHold", all_resume),
        ):
            began = time.monotonic()
            answers = await asyncio.gather(
                *(action(call, EACH[1]) for call in calls[: CALLS // 2]),
                app.put(f"/phoneCalls/@me/{ALL[1]}", {"action": what}),
            )
            await all_of(listening)
            took[what] = time.monotonic() - began
            failed = [answer for answer in answers if answer.status != 200]
            assert not failed, f"{len(failed)} of {len(answers)} failed: {failed[:3]}"
            assert len(answers[-1].body) == CALLS // 2
            await all_are(action == app.hold, app, pbx, listening)
        assert there <= {leg.unique_id for leg in await pbx.channels()}, "calls were cut"
        over.set()
        new_calls = await new
        await asyncio.to_thread(asterisk.hang_up_all)
    times = ", ".join(f"{what} in {seconds:.1f} s" for what, seconds in took.items())
    tell(f"{CALLS} calls: {times}, beside {new_calls} new calls")
    assert asterisk_complains(asterisk, uapid.started) == []
    assert "Traceback" not in uapid.log()


async def lasting(caller: str, called: str, over: asyncio.Event) -> None:
    """Half of the calls that are held, until they are hung up when all is over."""
    try:
        await place(called, caller, called, count=CALLS // 2, rate=ARRIVAL, talk=TALK)
    except RuntimeError:
        if not over.is_set():
            raise


async def come_and_go(over: asyncio.Event) -> int:
    """Calls that all succeed, until all is over; how many."""
    count = 0
    while not over.is_set():
        await place(NUMBER, *NEW, count=AT_A_TIME, rate=RATE, talk=NEW_TALK)
        count += AT_A_TIME
    return count


async def place(
    number: str, caller: str, called: str, *, count: int, rate: int, talk: float
) -> None:
    addresses = PHONES[caller][0], PHONES[called][0]
    await place_calls(number, *addresses, count=count, rate=rate, talk=talk)


async def in_conversation(app: Client, called: str) -> list[dict[str, Any]]:
    """The calls to there, once they are all in conversation."""
    async with asyncio.timeout(CALLS / ARRIVAL + 20):
        while True:
            answer = await app.get(f"/phoneCalls/@me/{called}?count=1000")
            calls: list[dict[str, Any]] = answer.body["entry"] if answer.status == 200 else []
            if sum(call["phoneCallView"][0]["status"] == "5" for call in calls) == CALLS // 2:
                return calls
            await asyncio.sleep(0.2)


async def all_are(held: bool, app: Client, pbx: Inquiry, listening: list[Pair]) -> None:
    """By GET, on the PBX, and by what is heard where somebody listens."""
    if held:
        traces = await pbx.traces_of_holds()
        assert len(traces) == 3 * (CALLS + len(listening))
    else:
        await pbx.nothing_is_left()
    for called in (EACH[1], ALL[1]):
        calls = await in_conversation(app, called)
        assert all(("onHold" in call["phoneCallView"][1]) is held for call in calls)
    start = asyncio.get_running_loop().time()
    await asyncio.sleep(0.5)
    for pair in listening:
        assert pair.heard(start, start + 0.5) == [pair.sound(held)], pair
        await pair.is_not_cut()


def asterisk_complains(asterisk: Asterisk, since: float) -> list[str]:
    """What Asterisk logged since a Unix time that nobody wants to see."""
    lines = asterisk.log(since).splitlines()
    complaints = [line for line in lines if any(word in line for word in COMPLAINTS)]
    return [line for line in complaints if not any(word in line for word in HARMLESS)]


async def test_1000_quick_cycles_of_one_call_cost_nothing_that_lasts(
    uapid: Uapid, asterisk: Asterisk, plug_in: PlugIn, tell: Callable[[str], None]
) -> None:
    async with pairs_of(uapid, plug_in, (FIRST,)) as (pair,):
        memory = [(uapid.resident, asterisk.resident)]
        began = time.monotonic()
        for cycle in range(1, CYCLES + 1):
            for action in (pair.hold, pair.resume):
                answer = await action()
                assert answer.status == 200, f"cycle {cycle}: {answer}"
            if cycle % (CYCLES // 4) == 0:
                memory.append((uapid.resident, asterisk.resident))
        seconds = time.monotonic() - began
        await pair.is_clean()
        await hear_each_other(pair.holder, pair.held)
        await pair.is_not_cut()
    sizes = ", ".join(f"{ours / 1e6:.1f} and {theirs / 1e6:.1f}" for ours, theirs in memory)
    tell(f"{CYCLES} cycles in {seconds:.0f} s; MB of the daemon and of Asterisk: {sizes}")
    assert asterisk_complains(asterisk, uapid.started) == []
    assert "WARNING" not in uapid.log()
    (ours, theirs), (our_end, their_end) = memory[len(memory) // 2], memory[-1]
    assert our_end - ours < GROWTH
    assert their_end - theirs < GROWTH
