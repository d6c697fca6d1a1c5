"""kill -9 at random moments, while calls go on and receivers fail: nothing is lost, nothing is told
out of order, and nothing is told twice but with the same webhook-id.

Each call takes its next step when all that the last one gave to tell has been received. What a kill
loses between the socket and the disk is thus still to be seen on the PBX after the restart, and
what is to be told of each leg is known exactly.
"""

import asyncio
import os
import sqlite3
from contextlib import AsyncExitStack, closing
from pathlib import Path
from random import Random

import pytest

from daemon.events.phone_call_events import EventType, Method
from tests.delivery.daemon import daemon
from tests.delivery.ledger import Ledger, Telling, assert_in_order, path
from tests.delivery.moody_receiver import MoodyReceiver
from tests.delivery.played_pbx import PlayedPbx
from tests.pbx.client import Client
from tests.pbx.uapid import Uapid
from tests.plays.retold import Retold
from tests.unit.waiting import until

KILLS = int(os.environ.get("KILLS", "100"))
SEED = int(os.environ.get("SEED", "0")) or Random().randrange(1, 1 << 32)
LANES = 24
RECEIVERS = ("127.0.77.31", "127.0.77.32", "127.0.77.33", "127.0.77.34")
START_PART, LONGEST_START, LONGEST_RUN = 0.2, 0.8, 0.6  # of the kills; seconds; seconds

DELIVERY = (
    'allow_networks = ["127.0.0.0/8"]',
    f"schedule = {[0, 0.05, 0.1, *[0.2] * 97]}",
    "connect_timeout = 0.5",
    "timeout = 0.5",
)

# What is to be told at each step of a play: the number of the leg, the type of the event, and its
# CallStatus.
DIAL_IN, DIAL_OUT, HANGUP, ANSWER_IN, ANSWER_OUT = EventType
TOLD: dict[str, dict[str, Telling]] = {
    "answered-and-ended-by-the-caller": {
        "ringing": {(0, DIAL_OUT): "CALLING", (1, DIAL_IN): "CALLING"},
        "talking": {(0, ANSWER_OUT): "ANSWER", (1, ANSWER_IN): "ANSWER"},
        "over": {(0, HANGUP): "ANSWER", (1, HANGUP): "ANSWER"},
    },
    "calls-itself": {
        "ringing": {(0, DIAL_OUT): "CALLING", (1, DIAL_IN): "CALLING"},
        "talking": {(0, ANSWER_OUT): "ANSWER", (1, ANSWER_IN): "ANSWER"},
        "over": {(0, HANGUP): "ANSWER", (1, HANGUP): "ANSWER"},
    },
    "given-up-while-ringing": {
        "ringing": {(0, DIAL_OUT): "CALLING", (1, DIAL_IN): "CALLING"},
        "over": {(0, HANGUP): "CANCEL", (1, HANGUP): "CANCEL"},
    },
    # Both phones of the group are of one extension here: its events of one call have an order.
    "ring-group-with-one-answer": {
        "ringing": {
            (0, DIAL_OUT): "CALLING",
            (1, DIAL_IN): "CALLING",
            (2, DIAL_IN): "CALLING",
        },
        "talking": {(0, ANSWER_OUT): "ANSWER", (1, HANGUP): "CANCEL", (2, ANSWER_IN): "ANSWER"},
        "over": {(0, HANGUP): "ANSWER", (2, HANGUP): "ANSWER"},
    },
}
PLAYS = {name: Retold(name) for name in TOLD}


@pytest.fixture
def random() -> Random:
    print(f"SEED={SEED}")  # what repeats a run that failed, as far as time lets it
    return Random(SEED)


async def test_no_event_is_lost_reordered_or_invented_when_the_daemon_is_killed_again_and_again(
    tmp_path: Path, random: Random, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger()
    async with AsyncExitStack() as stack:
        pbx = await stack.enter_async_context(
            PlayedPbx(phone for lane in range(LANES) for phone in phones(lane))
        )
        receivers = [
            await stack.enter_async_context(MoodyReceiver(host, random, ledger.note))
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
    with capsys.disabled():
        print(
            f"\nkill -9 with seed {SEED}: {kills.result()} kills, {len(ledger.expected)} events, "
            f"{again} received again, {failures} attempts that the receivers let fail"
        )
    assert ledger.faults == []
    assert ledger.first.keys() == ledger.expected.keys()
    assert_in_order(ledger.arrivals)
    assert_store_is_whole(tmp_path / "uapid.sqlite", ledger)


def phones(lane: int) -> tuple[str, str]:
    """Who calls and who is called."""
    return f"0003*1{lane:03d}", f"0003*2{lane:03d}"


async def subscribe(app: Client, lane: int, receivers: list[MoodyReceiver]) -> None:
    """Each type of each extension by GET and by POST, at different receivers."""
    for phone in phones(lane):
        for type in EventType:
            for method in Method:
                receiver = receivers[(lane + method) % len(receivers)]
                url = receiver.url + path(phone, type, method)
                await app.register(phone, type, url, method)


async def telephone(
    pbx: PlayedPbx, ledger: Ledger, lane: int, random: Random, ending: asyncio.Event
) -> None:
    """One call after the other."""
    caller, called = phones(lane)
    extensions = {"0003*210": caller, "0003*600": f"0003*3{lane:03d}"}
    for phone in ("0003*211", "0003*024", "0003*025"):
        extensions[phone] = called
    while not ending.is_set():
        name = random.choice(list(PLAYS))
        call = pbx.call(PLAYS[name], extensions)
        for step, telling in TOLD[name].items():
            told = ledger.expect(call, telling)
            assert call.go_on() == step
            await ledger.until_received(told)


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


def assert_store_is_whole(path: Path, ledger: Ledger) -> None:
    with closing(sqlite3.connect(path)) as store:
        assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert store.execute("SELECT count(*) FROM live_calls").fetchone() == (0,)
        rows = store.execute("SELECT webhook_id, state FROM deliveries ORDER BY seq").fetchall()
    assert {state for _, state in rows} == {"delivered"}
    numbers = {webhook_id: number for number, (webhook_id, _) in enumerate(rows)}
    assert sorted(numbers) == sorted(first.webhook_id for first in ledger.first.values())
