"""Receivers from hell, all at once: nothing stalls, nothing grows, and each outcome is told."""

import asyncio
import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from daemon.events.phone_call_events import EventType, Method
from tests.delivery.daemon import daemon
from tests.delivery.hell_process import CERTIFICATES, EXPECTED, receivers_from_hell
from tests.delivery.played_pbx import PlayedPbx
from tests.delivery.stream_server import StreamServer, answer, read_request
from tests.pbx.addresses import NETWORK
from tests.pbx.client import Client
from tests.pbx.uapid import Uapid
from tests.plays.retold import Retold
from tests.unit.waiting import until

pytestmark = pytest.mark.xdist_group("busy")

CALL = Retold("answered-and-ended-by-the-caller")
CALLER, CALLED = "0003*210", "0003*211"
EXTENSIONS = {"0003*210": CALLER, "0003*211": CALLED}
STEPS = (EventType.DIAL_OUT, EventType.ANSWER_OUT, EventType.HANGUP)
DELIVERY = (
    f'allow_networks = ["{NETWORK}"]',
    f"schedule = {[0, *[0.5] * 99]}",
    "connect_timeout = 1.0",
    "timeout = 2.0",
    "concurrency = 100",
)
CALLS_A_SECOND, STEP_SECONDS = 10, 0.5
WARM_UP_SECONDS, HELL_SECONDS = 3.0, 12.0
# When a webhook comes to a good receiver after the change, and an answer of the API: in seconds.
LATEST_WEBHOOK, LATEST_ANSWER = 1.0, 1.0
MOST_FILES = 200
# More memory than before: at any time, and by the end; and from the middle to the end.
PEAK, GROWTH, LATE_GROWTH = 48e6, 24e6, 4e6
# What any attempt may end with, as the receivers are many on one core.
TOO_LATE = ("no connection in 1 s", "no answer in 2 s")


class GoodReceiver(StreamServer):
    """``came`` has the times at which each webhook came, by CallID and type of the event."""

    def __init__(self) -> None:
        super().__init__(self._converse)
        self.came: dict[tuple[str, str], list[float]] = defaultdict(list)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await read_request(reader)
            webhook = request.parameters["CallID"], request.path.removeprefix("/")
            self.came[webhook].append(time.monotonic())
            writer.write(answer("200 OK"))


@dataclass
class Health:
    """What was seen of the daemon: the longest that it took to answer, the most files that it had
    open, and its memory as it went."""

    latest_answer: float = 0.0
    most_files: int = 0
    resident: list[int] = field(default_factory=list)


async def test_receivers_from_hell_hold_up_nobody_and_take_no_memory(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    async with AsyncExitStack() as stack:
        pbx = await stack.enter_async_context(PlayedPbx([CALLER, CALLED]))
        good = await stack.enter_async_context(GoodReceiver())
        hell = await stack.enter_async_context(receivers_from_hell(tmp_path))
        trusted = {"SSL_CERT_FILE": str(tmp_path / CERTIFICATES)}
        uapid, app = await stack.enter_async_context(
            daemon(tmp_path, pbx, *DELIVERY, environment=trusted)
        )
        for type in STEPS:
            await app.register(CALLER, type, f"{good.url}/{type.name}", Method.POST)
        await telephone(pbx, good, WARM_UP_SECONDS)
        before = uapid.resident
        forget_peak(uapid)
        for number, url in enumerate(hell.values()):
            method = Method(number % len(Method))
            await app.register(CALLER, EventType.DIAL_OUT, f"{url}/", method)
        latest_webhook, health = await asyncio.gather(
            telephone(pbx, good, HELL_SECONDS), watch(uapid, app, HELL_SECONDS)
        )
        peak = peak_of(uapid)
        assert await uapid.stop() == 0
    tell(
        f"{len(hell)} receivers from hell: latest webhook elsewhere after "
        f"{latest_webhook:.2f} s, latest answer after {health.latest_answer:.2f} s, "
        f"{(health.resident[-1] - before) / 1e6:+.1f} MB, at most "
        f"{(peak - before) / 1e6:+.1f} MB, at most {health.most_files} files"
    )
    assert_all_is_noted(tmp_path / "uapid.sqlite", hell)
    assert latest_webhook < LATEST_WEBHOOK
    assert health.latest_answer < LATEST_ANSWER
    assert health.most_files < MOST_FILES
    assert peak - before < PEAK
    assert health.resident[-1] - before < GROWTH
    assert health.resident[-1] - health.resident[len(health.resident) // 2] < LATE_GROWTH


async def telephone(pbx: PlayedPbx, good: GoodReceiver, seconds: float) -> float:
    """Calls at CALLS_A_SECOND; the longest that a webhook took to the good receiver."""
    async with asyncio.TaskGroup() as group:
        calls = []
        for _ in range(round(seconds * CALLS_A_SECOND)):
            calls.append(group.create_task(one_call(pbx, good)))
            await asyncio.sleep(1 / CALLS_A_SECOND)
    return max(call.result() for call in calls)


async def one_call(pbx: PlayedPbx, good: GoodReceiver) -> float:
    """A call that takes its steps whether its webhooks have come or not; the latest of them."""
    call = pbx.call(CALL, EXTENSIONS)
    happened = {}
    for type in STEPS:
        happened[call.uniqueid(0), type.name] = time.monotonic()
        call.go_on()
        await asyncio.sleep(STEP_SECONDS)
    await until(lambda: all(good.came[webhook] for webhook in happened))
    assert all(len(good.came[webhook]) == 1 for webhook in happened)
    return max(good.came[webhook][0] - at for webhook, at in happened.items())


async def watch(uapid: Uapid, app: Client, seconds: float) -> Health:
    health = Health()
    end = time.monotonic() + seconds
    while (asked := time.monotonic()) < end:
        answer = await app.get(f"/extensions/@me/{CALLER}/phoneCallEvents")
        assert answer.status == 200
        health.latest_answer = max(health.latest_answer, time.monotonic() - asked)
        health.most_files = max(health.most_files, files_of(uapid))
        health.resident.append(uapid.resident)
        await asyncio.sleep(0.2)
    return health


def files_of(uapid: Uapid) -> int:
    """How many files and sockets it has open."""
    return len(list(Path(f"/proc/{uapid.pid}/fd").iterdir()))


def forget_peak(uapid: Uapid) -> None:
    """From here on the peak is measured (see proc(5), clear_refs)."""
    Path(f"/proc/{uapid.pid}/clear_refs").write_text("5")


def peak_of(uapid: Uapid) -> int:
    status = Path(f"/proc/{uapid.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def assert_all_is_noted(path: Path, hell: dict[str, str]) -> None:
    """Of each receiver there are attempts, and each tells in a line what was wrong with it."""
    question = """
        SELECT a.outcome, a.reason, a.excerpt
        FROM attempts a JOIN deliveries d ON d.seq = a.delivery
            JOIN phone_call_events e ON e.id = d.event
        WHERE e.url = ?
    """
    with closing(sqlite3.connect(path)) as store:
        noted = {name: store.execute(question, [f"{hell[name]}/"]).fetchall() for name in EXPECTED}
    for name, attempts in noted.items():
        outcome, reason = EXPECTED[name]
        fitting = [
            attempt
            for attempt in attempts
            if re.fullmatch(outcome, attempt[0]) and re.fullmatch(reason, attempt[1])
        ]
        other = {attempt[1] for attempt in attempts if attempt not in fitting}
        assert fitting, f"{name}: {attempts[:3]}"
        assert other <= set(TOO_LATE), name
        for _, reason, excerpt in attempts:
            assert len(reason) <= 300, f"{name}: {reason}"
            assert reason.isprintable(), f"{name}: {reason}"
            assert "CallID=" not in reason, f"{name}: {reason}"
            assert len(excerpt) <= 1000, name
