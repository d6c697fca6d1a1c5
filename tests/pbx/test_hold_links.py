"""The lines to the PBX break, or the PBX freezes, in the middle of hold and of resume.

In each row two calls are being held and two are being resumed when it happens, each at another
step. When the lines are back everybody hears what GET says, and nothing is left half done.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Answer
from tests.pbx.fixtures import PlugIn
from tests.pbx.held_pairs import NOTHING, Pair, all_hold, all_resume, pairs_of
from tests.pbx.patience import PATIENCE
from tests.pbx.proxy import THROUGH_THE_NETWORK, Link, Network
from tests.pbx.test_lines import until_readiness_is
from tests.pbx.uapid import Uapid

PING, TIMEOUT = 1.0, 1.0
SETTINGS = THROUGH_THE_NETWORK
for section in ("ami", "ari"):
    lines = f"[{section}]\ntimeout = {TIMEOUT}\nping_interval = {PING}\n"
    SETTINGS = SETTINGS.replace(f"[{section}]\n", lines)

BROKEN_SECONDS = 2.5  # longer than it takes to be noticed
FROZEN_SECONDS = 5.0
BACK_SECONDS = 5.0
FOLLOWS = 0.5  # GET follows what is so, and what was cut short is undone, in that time
SOUND_SETTLES = 0.1
NOTICED = PING + TIMEOUT
# Passing on takes so long that the steps of a hold are apart.
DELAY = 0.02

# What the daemon sends at a step; AMI's headers come in the order of their names.
SNOOP, MUSIC = rb"/snoop", rb"/moh"
MUTE = rb"Value: -32767\r\nVariable: VOLUME\(RX\)"
UNMUTE = rb"Value: 0(\.0*)?\r\nVariable: VOLUME\(RX\)"
# How long after the holds the resumes begin, so that they are at work when that step comes.
RESUMES_AFTER = {SNOOP: 0.0, MUSIC: 4 * DELAY, MUTE: 6 * DELAY, UNMUTE: 5 * DELAY}

Break = Callable[["Scene"], Awaitable[None]]


class Scene(NamedTuple):
    network: Network
    asterisk: Asterisk


async def ami_is_silent(scene: Scene) -> None:
    scene.network.ami.cut()
    await scene.network.ari.heal()


async def ari_is_silent(scene: Scene) -> None:
    scene.network.ari.cut()
    await scene.network.ami.heal()


async def both_are_silent(scene: Scene) -> None:
    scene.network.cut()


async def both_are_closed(scene: Scene) -> None:
    await scene.network.refuse()


async def asterisk_freezes(scene: Scene) -> None:
    await asyncio.to_thread(scene.asterisk.pause)
    await scene.network.heal()


class Row(NamedTuple):
    """``break_off`` comes when the daemon has done that step for the n-th time."""

    break_off: Break
    step: bytes
    times: int = 1

    def __str__(self) -> str:
        story = {SNOOP: "Snoop", MUSIC: "music", MUTE: "mute", UNMUTE: "unmute"}[self.step]
        return f"{self.break_off.__name__}-after-{story}-{self.times}"


ROWS = (
    Row(ami_is_silent, MUTE, 1),
    Row(ami_is_silent, UNMUTE, 1),
    Row(ari_is_silent, SNOOP, 1),
    Row(ari_is_silent, MUSIC, 2),
    Row(both_are_silent, MUTE, 3),
    Row(both_are_silent, UNMUTE, 3),
    Row(both_are_closed, SNOOP, 2),
    Row(both_are_closed, MUTE, 2),
    Row(both_are_closed, UNMUTE, 2),
    Row(asterisk_freezes, UNMUTE, 1),
)


@pytest.fixture
async def network(asterisk: Asterisk) -> AsyncIterator[Network]:
    async with Network() as network:
        for link in network.links:
            link.delay = DELAY
        yield network


@pytest.fixture
async def uapid(network: Network, tmp_path: Path) -> AsyncIterator[Uapid]:
    """The daemon, whose lines lead through the network."""
    async with Uapid(tmp_path, SETTINGS) as uapid:
        await uapid.until_connected()
        yield uapid


async def test_everybody_hears_what_get_says_when_the_lines_are_back(
    uapid: Uapid, network: Network, asterisk: Asterisk, plug_in: PlugIn
) -> None:
    async with pairs_of(uapid, plug_in) as pairs:
        for number, row in enumerate(ROWS):
            try:
                # Each pair gets its turn at both actions.
                turned = pairs[number % 4 :] + pairs[: number % 4]
                await play(row, Scene(network, asterisk), turned[:2], turned[2:])
            except BaseException as error:
                error.add_note(f"in the row: {row}")
                raise
    assert "Traceback" not in uapid.log()


async def play(row: Row, scene: Scene, holding: list[Pair], resuming: list[Pair]) -> None:
    pairs = [*holding, *resuming]
    await all_hold(resuming)
    sprung = link_of(row, scene.network).cut_after(row.step, row.times)

    async def act(pair: Pair) -> Answer:
        begins = RESUMES_AFTER[row.step] * (pair in resuming) + DELAY * (pairs.index(pair) % 2)
        await asyncio.sleep(begins)
        return await (pair.hold() if pair in holding else pair.resume())

    async with (
        held_is_never_told_wrongly(holding, FOLLOWS),
        held_is_never_told_wrongly(resuming, FOLLOWS + NOTICED),
    ):
        acting = asyncio.gather(*map(act, pairs))
        async with asyncio.timeout(PATIENCE):
            await sprung.wait()
        await broken(row, scene)
        answers = await acting
        held = await all_is_settled(pairs, answers, holding)
    await all_resume(held)


async def broken(row: Row, scene: Scene) -> None:
    """Until the lines are back."""
    frozen = row.break_off is asterisk_freezes
    try:
        await row.break_off(scene)
        await asyncio.sleep(FROZEN_SECONDS if frozen else BROKEN_SECONDS)
    finally:
        if frozen:
            await asyncio.to_thread(scene.asterisk.unpause)
        await scene.network.heal()
    await until_readiness_is(200, BACK_SECONDS)


async def all_is_settled(
    pairs: list[Pair], answers: list[Answer], holding: list[Pair]
) -> list[Pair]:
    """In time, and as it was answered; those on hold."""
    now = asyncio.get_running_loop().time
    back = now()
    said = [await agreed(pair, back + FOLLOWS) for pair in pairs]
    settled = now() + SOUND_SETTLES
    for pair, held, answer in zip(pairs, said, answers, strict=True):
        assert pair in holding or not held, f"{pair}: the resume is not completed, {answer}"
        if answer.status == 200:
            assert held is (pair in holding), f"{pair}: {answer}"
        elif answer.status >= 400:
            assert not held, f"{pair}: {answer}"
    await asyncio.sleep(SOUND_SETTLES + 0.5)
    for pair, held in zip(pairs, said, strict=True):
        assert pair.heard(settled, settled + 0.5) == [pair.sound(held)], pair
        await pair.is_not_cut()
    return [pair for pair, held in zip(pairs, said, strict=True) if held]


def link_of(row: Row, network: Network) -> Link:
    return network.ari if row.step in (SNOOP, MUSIC) else network.ami


async def agreed(pair: Pair, deadline: float) -> bool:
    """Whether the pair is on hold, once GET and the PBX say the same; AssertionError if that takes
    too long."""
    while True:
        told, traces = await pair.told_held(), await pair.traces()
        if (told is True and traces.whole) or (told is False and traces == NOTHING):
            return told
        late = asyncio.get_running_loop().time() > deadline
        assert not late, f"{pair}: GET says held: {told}, and there is {traces}"


@asynccontextmanager
async def held_is_never_told_wrongly(pairs: list[Pair], within: float) -> AsyncIterator[None]:
    """Asks all the time; AssertionError when GET says held, and goes on so, of what is not."""
    watches = [asyncio.create_task(watch(pair, within)) for pair in pairs]
    try:
        yield
    finally:
        for task in watches:
            task.cancel()
        outcomes = await asyncio.gather(*watches, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


async def watch(pair: Pair, within: float) -> None:
    now = asyncio.get_running_loop().time
    wrong_since: float | None = None
    while True:
        try:
            traces = await pair.traces()
        except TimeoutError:  # a PBX that is frozen
            wrong_since = None
            continue
        wrong = await pair.told_held() and not traces.whole
        wrong_since = (wrong_since or now()) if wrong else None
        late = wrong_since is not None and now() - wrong_since > within
        assert not late, f"{pair}: GET says held, and there is {traces}"
        await asyncio.sleep(0.05)
