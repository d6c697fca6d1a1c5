"""Hostile clients of the API, while calls go on: all is tracked and delivered, and good clients
are answered."""

import asyncio
import resource
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.delivery.attack import under_attack
from tests.delivery.daemon import daemon
from tests.delivery.ledger import Ledger, assert_is_settled
from tests.delivery.moody_receiver import Mood, MoodyReceiver
from tests.delivery.played_pbx import PlayedPbx
from tests.delivery.traffic import phones, subscribe, telephone
from tests.pbx.addresses import address
from tests.pbx.client import Client

pytestmark = pytest.mark.xdist_group("busy")

LANES = 6
QUIET_SECONDS, FIRE_SECONDS = 2.0, 5.0
DELIVERY = ('allow_networks = ["127.0.0.0/8"]',)
HEADER_SECONDS = 1.0
LIMITS = {"HTTP__TIMEOUT": HEADER_SECONDS, "HTTP__IDLE_TIMEOUT": 600, "HTTP__CONNECTIONS": 12_000}
SLOW, GUESSERS = 400, 20
MOST_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
IDLE = min(10_000, MOST_FILES - 1000)


@dataclass
class Seconds:
    """How long each step of a call took until all its webhooks were there, and each answer."""

    webhooks: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)


async def test_slow_loris(tmp_path: Path, tell: Callable[[str], None]) -> None:
    fire = await live_through("slow-loris", SLOW, tmp_path, tell)
    assert fire["closed"] > SLOW, "each of them is closed again and again"


async def test_ten_thousand_idle_connections(tmp_path: Path, tell: Callable[[str], None]) -> None:
    if IDLE < 10_000:
        tell(f"only {IDLE} idle connections, as a process may have {MOST_FILES} files open here")
    fire = await live_through("idle", IDLE, tmp_path, tell)
    assert (fire["opened"], fire["closed"]) == (IDLE, 0)


async def test_a_thousand_wrong_tokens_a_second(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    fire = await live_through("guess", GUESSERS, tmp_path, tell)
    assert set(fire["answers"]) == {"401"}


async def live_through(
    attack: str, clients: int, folder: Path, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Calls go on before and during the attack; its outcome, once all that was to be delivered has
    come once, in order."""
    ledger, random = Ledger(), Random(10)
    limits = {f"UAPID_{name}": str(value) for name, value in LIMITS.items()}
    async with AsyncExitStack() as stack:
        pbx = await stack.enter_async_context(
            PlayedPbx(phone for lane in range(LANES) for phone in phones(lane))
        )
        receiver = await stack.enter_async_context(
            MoodyReceiver(address(31), random, {Mood.TAKES: 1}, ledger.note)
        )
        uapid, app = await stack.enter_async_context(
            daemon(folder, pbx, *DELIVERY, environment=limits)
        )
        for lane in range(LANES):
            await subscribe(app, lane, [receiver])
        quiet = await measured(QUIET_SECONDS, pbx, ledger, random, app)
        before = uapid.resident
        place = urlsplit(app.base_url)
        assert place.hostname is not None
        assert place.port is not None
        async with under_attack(attack, place.hostname, place.port, clients) as end:
            began = time.monotonic()
            fire = await measured(FIRE_SECONDS, pbx, ledger, random, app)
            grown = uapid.resident - before
            outcome = await end()
            lasted = time.monotonic() - began
        await uapid.until_all_is_over()
        assert pbx.logins == 1, "the lines to the PBX hold"
        assert await uapid.stop() == 0
    tell(f"{attack}: {story(outcome, clients, lasted, grown)}")
    for name, seconds in (("without it", quiet), ("meanwhile", fire)):
        tell(
            f"  {name}: webhooks of a step {spread(seconds.webhooks)}, "
            f"answers {spread(seconds.answers)}"
        )
    assert_is_settled(ledger, folder / "uapid.sqlite")
    assert len(ledger.arrivals) == len(ledger.first), "none is told twice"
    assert fire.webhooks
    assert fire.answers
    return outcome


async def measured(
    seconds: float, pbx: PlayedPbx, ledger: Ledger, random: Random, app: Client
) -> Seconds:
    """Calls in all lanes, and requests of a good client, for so long."""
    took, ending = Seconds(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for lane in range(LANES):
            group.create_task(telephone(pbx, ledger, lane, random, ending, took.webhooks.append))
        group.create_task(ask(app, ending, took.answers))
        await asyncio.sleep(seconds)
        ending.set()
    return took


async def ask(app: Client, ending: asyncio.Event, took: list[float]) -> None:
    """By turns on a connection that is there and on a new one."""
    while not ending.is_set():
        for client in (app, app.anew()):
            async with client if client is not app else AsyncExitStack():
                began = time.monotonic()
                answer = await client.get("/phoneCalls/@me/0003*1000")
                took.append(time.monotonic() - began)
                assert answer.status in (200, 204), answer
        await asyncio.sleep(0.05)


def story(outcome: dict[str, Any], clients: int, lasted: float, grown: int) -> str:
    answers = sum(outcome["answers"].values())
    return (
        f"{clients} clients for {lasted:.1f} s, {outcome['opened']} connections of which "
        f"{outcome['closed']} were closed, {answers / lasted:.0f} answers a second "
        f"({', '.join(outcome['answers']) or 'none'}), {grown / 1e6:+.1f} MB"
    )


def spread(seconds: Sequence[float]) -> str:
    ordered = sorted(1000 * each for each in seconds)
    late = ordered[int(0.99 * (len(ordered) - 1))]
    middle = ordered[len(ordered) // 2]
    return f"{len(ordered)}: median {middle:.0f}, p99 {late:.0f}, longest {ordered[-1]:.0f} ms"
