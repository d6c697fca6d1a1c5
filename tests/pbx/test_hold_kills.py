"""kill -9 of the daemon at random moments around hold and resume: nobody stays muted or on music,
no call is cut, and what was told is so.

Several calls go through each kill, each of them in another part of a hold. What a kill has cut
short is seen by what is on the PBX just after it.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import NamedTuple

import aiohttp
import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.fixtures import PlugIn
from tests.pbx.held_pairs import NOTHING, Pair, Traces, all_hold, all_resume, pairs_of
from tests.pbx.uapid import SETTINGS, Uapid

TIMES = float(os.environ.get("KILLS", "50")) / 50  # more need pytest -o faulthandler_timeout=0
SEED = int(os.environ.get("SEED", "0")) or Random().randrange(1, 1 << 32)

ENDED = 0.2  # after the end of its lease a hold is undone in that time
LATE = 0.1  # the PBX may be at work on what came just before the kill
SETTLED = 0.2
# Seconds before the kill in which an action may begin: from none of its steps to all of them.
ACTION = 0.02
HELD_BEFORE = 0.3
LONGEST_START = 0.8


class Absence(NamedTuple):
    """How often the daemon is killed, what part of the starts is killed too, the lease, and how
    long the daemon is not there; seconds."""

    kills: int
    in_start: float
    lease: float
    shortest: float
    longest: float

    @property
    def outlasts_the_lease(self) -> bool:
        return self.shortest > self.lease

    @property
    def surely_left(self) -> float:
        """What is left of a lease at any time, as it is renewed when a third of it is over."""
        return self.lease * 2 / 3


ABSENCES = {
    "shorter-than-the-lease": Absence(15, 0.0, 6.0, 0.0, 0.3),
    "shorter-and-killed-in-its-start-too": Absence(22, 0.6, 6.0, 0.0, 0.3),
    "longer-than-the-lease": Absence(13, 0.2, 2.0, 2.0 + ENDED + 0.6, 3.0),
}


class Phase(StrEnum):
    """Where a call is in its hold when the kill comes."""

    BEFORE = "before the hold"
    HOLDING = "in the steps of the hold"
    HELD = "on hold"
    RESUMING = "in the steps of the resume"
    RESUMED = "after the resume"


PLANS = (Phase.BEFORE, *[Phase.HOLDING] * 4, *[Phase.HELD] * 2, *[Phase.RESUMING] * 4)


@dataclass(repr=False)
class Call:
    """One pair in one round. ``traces`` is what was on the PBX after the first kill."""

    pair: Pair
    plan: Phase = Phase.BEFORE
    phase: Phase = Phase.BEFORE
    traces: Traces = NOTHING

    def __repr__(self) -> str:
        return f"{self.pair}, killed {self.phase} with {self.traces}"


@dataclass
class Count:
    kills: int = 0
    in_start: int = 0
    phases: Counter[Phase] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        def listed(counter: Counter[str] | Counter[Phase]) -> str:
            return ", ".join(f"{number} {name}" for name, number in counter.most_common())

        return (
            f"{self.kills} kills, {self.in_start} of them in the start. Calls at the first kill "
            f"of each round: {listed(self.phases)}. After it: {listed(self.outcomes)}"
        )


@pytest.fixture
def random() -> Random:
    print(f"SEED={SEED}")  # what repeats a run that failed, as far as time lets it
    return Random(SEED)


@pytest.mark.parametrize("absence", ABSENCES.values(), ids=ABSENCES)
async def test_after_a_kill_everybody_has_a_voice_again_or_is_on_hold_as_get_says(
    absence: Absence,
    asterisk: Asterisk,
    plug_in: PlugIn,
    tmp_path: Path,
    random: Random,
    tell: Callable[[str], None],
) -> None:
    count = Count()
    settings = f"{SETTINGS}\n[hold]\nlease = {absence.lease}\n"
    async with Uapid(tmp_path, settings) as uapid, pairs_of(uapid, plug_in) as pairs:
        while count.kills < absence.kills * TIMES:
            await one_round(uapid, absence, [Call(pair) for pair in pairs], random, count)
    tell(f"hold, kill -9 with seed {SEED}: {count}")
    assert "Traceback" not in uapid.log()


async def one_round(
    uapid: Uapid, absence: Absence, calls: list[Call], random: Random, count: Count
) -> None:
    """Calls in all phases, a kill, a pause, a start; then all are resumed."""
    await kill_in_the_middle(uapid, calls, random)
    first_kill = last_kill = now()
    count.kills += 1
    count.phases.update(call.phase for call in calls)
    await asyncio.sleep(LATE)
    for call in calls:
        call.traces = await call.pair.traces()
        # What was told, was so and has stayed so.
        assert call.phase is not Phase.HELD or call.traces.whole, call
        assert call.phase not in (Phase.BEFORE, Phase.RESUMED) or call.traces == NOTHING, call

    while random.random() < absence.in_start:
        await kill_in_its_start(uapid, random.uniform(0, LONGEST_START))
        last_kill = now()
        count.kills += 1
        count.in_start += 1
    pause = random.uniform(absence.shortest, absence.longest)
    await asyncio.sleep(max(0.0, last_kill + pause - now()))
    if absence.outlasts_the_lease:
        for call in calls:
            await is_given_back(call, last_kill + absence.lease + ENDED)
    await uapid.start()
    await uapid.until_connected()
    started = now()
    told = [await call.pair.told_held() for call in calls]
    await asyncio.sleep(SETTLED + 0.5)
    for call, held in zip(calls, told, strict=True):
        assert held is not None
        if absence.outlasts_the_lease or not call.traces.whole:
            assert not held, call
        elif started - first_kill < absence.surely_left:
            assert held, call
            hears(call, True, first_kill + LATE, now())
        hears(call, held, started + SETTLED, now())
        assert await call.pair.told_held() is held, call
        count.outcomes[outcome(call, held)] += 1

    kept = [call for call, held in zip(calls, told, strict=True) if held]
    await all_resume(call.pair for call in kept)
    resumed = now()
    for call in calls:
        await call.pair.is_clean()
        await call.pair.is_not_cut()
        assert await call.pair.told_held() is False, call
    await asyncio.sleep(max(0.0, resumed + SETTLED + 0.5 - now()) if kept else 0)
    for call in kept:
        hears(call, False, resumed + SETTLED, resumed + SETTLED + 0.5)


async def is_given_back(call: Call, since: float) -> None:
    """Without the daemon."""
    hears(call, False, since, now())
    traces = await call.pair.traces()
    assert traces.leases == traces.silenced == 0, (call, traces)
    # A kill between the birth of a Snoop and its lease leaves one that plays nothing.
    assert traces.snoops == 0 or not call.traces.leases, (call, traces)


def hears(call: Call, held: bool, start: float, end: float) -> None:
    """Both heard this and nothing else between these times."""
    heard = call.pair.heard(start, end)
    assert heard == [call.pair.sound(held)] * len(heard) != [], call


def now() -> float:
    return asyncio.get_running_loop().time()


async def kill_in_the_middle(uapid: Uapid, calls: list[Call], random: Random) -> None:
    """Each call is in a phase by chance, and notes which it was as far as its app can know."""
    for call in calls:
        call.plan = random.choice(PLANS)
    first = [call for call in calls if call.plan in (Phase.HELD, Phase.RESUMING)]
    await all_hold(call.pair for call in first)
    for call in first:
        call.phase = Phase.HELD
    await asyncio.sleep(random.uniform(0, HELD_BEFORE))

    async def act(call: Call, after: float) -> None:
        await asyncio.sleep(after)
        holds = call.plan is Phase.HOLDING
        call.phase = call.plan
        try:
            answer = await (call.pair.hold() if holds else call.pair.resume())
        except aiohttp.ClientError:
            return
        assert answer.status == 200, answer
        call.phase = Phase.HELD if holds else Phase.RESUMED

    async with asyncio.TaskGroup() as group:
        for call in calls:
            if call.plan in (Phase.HOLDING, Phase.RESUMING):
                group.create_task(act(call, random.uniform(0, ACTION)))
        await asyncio.sleep(ACTION)
        await uapid.kill()


async def kill_in_its_start(uapid: Uapid, after: float) -> None:
    starting = asyncio.create_task(uapid.start())
    await asyncio.wait({starting}, timeout=after)
    if starting.done():
        starting.result()
    while not uapid.running:
        await asyncio.sleep(0.01)
    await uapid.kill()
    await asyncio.gather(starting, return_exceptions=True)


def outcome(call: Call, held: bool) -> str:
    """What became of a call, in a word or two."""
    if call.traces == NOTHING:
        return "without a hold"
    if call.traces.whole:
        return "kept on hold" if held else "given back by the PBX"
    return "cut short"
