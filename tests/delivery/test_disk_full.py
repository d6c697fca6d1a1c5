"""The disk of the store is full: it is told loudly, calls and webhooks go on from memory, and when
there is room again the store has everything, once."""

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from daemon.events.phone_call_events import EventType
from tests.delivery.daemon import daemon
from tests.delivery.ledger import Ledger, assert_is_settled
from tests.delivery.moody_receiver import Mood, MoodyReceiver
from tests.delivery.played_pbx import PlayedPbx
from tests.delivery.small_disk import needs_root, small_disk
from tests.delivery.stream_server import StreamServer, answer, read_request
from tests.delivery.traffic import phones, subscribe, telephone
from tests.pbx.addresses import NETWORK, address
from tests.pbx.client import Answer, Client
from tests.pbx.uapid import Uapid
from tests.plays.retold import Retold
from tests.unit.waiting import until

pytestmark = pytest.mark.xdist_group("busy")

LANES = 8
DELIVERY = (
    f'allow_networks = ["{NETWORK}"]',
    f"schedule = {[0, *[0.2] * 99]}",
)
MOODS = {Mood.TAKES: 90, Mood.ERROR: 5, Mood.CLOSES: 5}
IDLE = phones(LANES)[0]  # nobody calls it
EVENTS, EVENTS_OF_IDLE = (
    f"/extensions/@me/{extension}/phoneCallEvents" for extension in (phones(0)[0], IDLE)
)
MANY_CALLS = 6_000  # of each, an event and the call are kept: more than the 10,000 that may be
BEFORE_SECONDS, FULL_SECONDS, AFTER_SECONDS = 1.0, 4.0, 1.0
# The write-ahead log may have room in its file for a while after the disk is full.
NOTICED_WITHIN, MENDED_WITHIN = 20.0, 5.0
MANY_MENDED_WITHIN = 20.0  # the store takes them first, then the PBX lists all its channels
STORY = "database or disk is full"


@needs_root
async def test_calls_and_webhooks_go_on_while_the_disk_is_full_and_nothing_is_lost_or_sent_again(
    tmp_path: Path,
) -> None:
    random, ledger = Random(4), Ledger()
    async with AsyncExitStack() as stack:
        disk = stack.enter_context(small_disk(tmp_path / "disk", megabytes=16))
        pbx = await stack.enter_async_context(
            PlayedPbx(phone for lane in range(LANES + 1) for phone in phones(lane))
        )
        receivers = [
            await stack.enter_async_context(MoodyReceiver(host, random, MOODS, ledger.note))
            for host in (address(31), address(32))
        ]
        store = disk.folder / "uapid.sqlite"
        uapid, app = await stack.enter_async_context(daemon(tmp_path, pbx, *DELIVERY, store=store))
        for lane in range(LANES):
            await subscribe(app, lane, receivers)
        statuses = stack.enter_context(statuses_of(uapid))
        ending = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for lane in range(LANES):
                group.create_task(telephone(pbx, ledger, lane, random, ending))
            await asyncio.sleep(BEFORE_SECONDS)
            disk.fill()
            await until_ready_is(app, 503, NOTICED_WITHIN)
            answer = await ready(app)
            assert STORY in answer.body["error"]["message"]
            assert int(answer.headers["Retry-After"]) > 0
            assert any(
                line.startswith("ERROR") and STORY in line for line in uapid.log().splitlines()
            )
            assert any(STORY in status for status in statuses())
            await assert_only_reading_is_answered(app, pbx)
            told = len(ledger.first)
            await asyncio.sleep(FULL_SECONDS)
            assert (await ready(app)).status == 503
            assert len(ledger.first) > told + 10 * LANES, "calls are told of all the while"
            disk.free()
            await until_ready_is(app, 200, MENDED_WITHIN)
            assert not any(STORY in status for status in statuses()[-1:])
            created = await app.register(IDLE, EventType.DIAL_IN, receivers[0].url)
            event = f"{EVENTS_OF_IDLE}/0/{created['id']}"
            assert (await app.request("DELETE", event)).status in (200, 204)
            await asyncio.sleep(AFTER_SECONDS)
            ending.set()
        await uapid.until_all_is_over()
        assert await uapid.stop() == 0
        assert_is_settled(ledger, store)
    accepted = [arrival.webhook_id for arrival in ledger.arrivals if arrival.accepted]
    assert len(accepted) == len(set(accepted)), "what was delivered is not sent again"


@needs_root
async def test_what_is_kept_in_memory_has_a_bound_and_the_pbx_tells_the_rest_later(
    tmp_path: Path,
) -> None:
    play, (caller, called) = Retold("answered-and-ended-by-the-caller"), phones(0)
    came: Counter[str] = Counter()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            came[(await read_request(reader)).parameters["CallID"]] += 1
            writer.write(answer("200 OK"))

    async with AsyncExitStack() as stack:
        disk = stack.enter_context(small_disk(tmp_path / "disk", megabytes=128))
        pbx = await stack.enter_async_context(PlayedPbx([caller, called]))
        receiver = await stack.enter_async_context(StreamServer(take))
        store = disk.folder / "uapid.sqlite"
        uapid, app = await stack.enter_async_context(daemon(tmp_path, pbx, *DELIVERY, store=store))
        await app.register(caller, EventType.DIAL_OUT, receiver.url)
        disk.fill()
        calls = [
            pbx.call(play, {"0003*210": caller, "0003*211": called}) for _ in range(MANY_CALLS)
        ]
        for call in calls:
            call.go_on()
            await asyncio.sleep(0)
        await uapid.until_logged("the store does not take call changes")
        body = (await ready(app)).body
        assert "the store does not take call changes" in body["lines"]["ami"]["reason"]
        assert len(came) < MANY_CALLS
        disk.free()
        await until_ready_is(app, 200, MANY_MENDED_WITHIN)
        while (told := len(came)) < MANY_CALLS:
            await until(partial(has_more_than, came, told))
        assert set(came.values()) == {1}
        assert await uapid.stop() == 0


def has_more_than(came: Counter[str], count: int) -> bool:
    return len(came) > count


async def assert_only_reading_is_answered(app: Client, pbx: PlayedPbx) -> None:
    (first, *_) = (await app.get(EVENTS)).body["entry"]
    event = f"{EVENTS}/{first['type']}/{first['id']}"
    new = {"type": 0, "method": 1, "note": "", "url": "http://192.168.1.1/", "status": 1}
    for refused in (
        await app.request("POST", EVENTS, new),
        await app.put(event, {"note": "changed"}),
        await app.request("DELETE", event),
        await app.request("DELETE", EVENTS),
    ):
        assert refused.status == 503
        assert refused.body["error"]["code"] == "store_unavailable"
        assert STORY in refused.body["error"]["message"]
        assert int(refused.headers["Retry-After"]) > 0
    assert (await app.get(event)).body["entry"] == [first]
    await until(lambda: pbx.live > 0)
    calls = await app.calls_until(bool)
    assert calls[0]["phoneCallView"]


async def ready(app: Client) -> Answer:
    """What monitoring sees."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{app.base_url}/ready") as response,
    ):
        return Answer(response.status, await response.json(), dict(response.headers))


async def until_ready_is(app: Client, status: int, within: float) -> None:
    async with asyncio.timeout(within):
        while (await ready(app)).status != status:
            await asyncio.sleep(0.05)


@contextmanager
def statuses_of(uapid: Uapid) -> Iterator[Any]:
    """What the daemon tells systemd from now on, as a function that gives all of it."""
    told: list[str] = []
    address = uapid.folder / "notify"
    address.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
        notifications.bind(str(address))
        notifications.setblocking(False)

        def read() -> list[str]:
            while True:
                try:
                    told.append(notifications.recv(4096).decode())
                except BlockingIOError:
                    return told

        yield read
