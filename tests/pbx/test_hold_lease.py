"""The daemon is away, for less and for more than the lease of its holds; what it starts from when
it is back; and a PBX whose dialplan lacks the handler that ends holds without the daemon."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.fixtures import PlugIn
from tests.pbx.held_pairs import PAIRS, Pair, all_hold, all_resume, pairs_of
from tests.pbx.holding import hear_each_other, nothing_is_left
from tests.pbx.inquiry import Inquiry
from tests.pbx.manager import ami
from tests.pbx.proxy import THROUGH_THE_NETWORK, Network
from tests.pbx.test_lines import BACK_SECONDS, until_readiness_is
from tests.pbx.uapid import Uapid

LEASE = 3.0
LATE = 0.1  # a packet may be under way
ENDED = 0.2  # a hold whose lease has run out is over in that time
FOLLOWS = 0.5  # GET follows in that time
Away = Callable[[Uapid, Network], AbstractAsyncContextManager[None]]
HANDLER = "extension unhold"  # what is told of, when it is missing

FIRST, _, DIRECT, TRUNK = PAIRS


def with_lease(seconds: float) -> str:
    """Settings."""
    return f"{THROUGH_THE_NETWORK}\n[hold]\nlease = {seconds}\n"


def now() -> float:
    return asyncio.get_running_loop().time()


def heard_since(start: float, pairs: list[Pair], *, held: bool) -> None:
    """All of them heard this and nothing else."""
    for pair in pairs:
        sounds = pair.heard(start, now())
        assert sounds == [pair.sound(held)] * len(sounds) != [], pair


async def told(pairs: list[Pair], *, held: bool) -> None:
    """GET says so in time, and their calls have gone on."""
    async with asyncio.timeout(FOLLOWS):
        for pair in pairs:
            while await pair.told_held() is not held:
                await asyncio.sleep(0.02)
    for pair in pairs:
        assert await pair.told_held() is held
        await pair.is_not_cut()


@asynccontextmanager
async def killed(uapid: Uapid, _: Network) -> AsyncIterator[None]:
    """It is not there for so long."""
    await uapid.kill()
    yield
    await uapid.start()
    await uapid.until_connected()


@asynccontextmanager
async def stopped(uapid: Uapid, _: Network) -> AsyncIterator[None]:
    """It is there and does nothing for so long."""
    with uapid.held_up():
        yield


@asynccontextmanager
async def cut_off(_: Uapid, network: Network) -> AsyncIterator[None]:
    """It does not reach the PBX for so long."""
    await network.refuse()
    yield
    await network.heal()
    await until_readiness_is(200, BACK_SECONDS)


@pytest.fixture
async def network(asterisk: Asterisk) -> AsyncIterator[Network]:
    async with Network() as network:
        yield network


@pytest.mark.parametrize("away", [killed, stopped, cut_off])
async def test_while_the_daemon_is_away_for_longer_the_pbx_gives_voices_back(
    network: Network, asterisk: Asterisk, plug_in: PlugIn, tmp_path: Path, away: Away
) -> None:
    async with (
        Uapid(tmp_path, with_lease(LEASE)) as uapid,
        pairs_of(uapid, plug_in, (FIRST, DIRECT, TRUNK)) as (ana_bob, flo_gus, quiet),
    ):
        cleo, dan = await plug_in("0003*024"), await plug_in("0003*025")
        cleo.will_answer()
        dan.will_answer()
        loud = quiet.legs[0].name
        await ami("Setvar", Channel=loud, Variable="VOLUME(RX)", Value="-2")
        await all_hold((ana_bob, flo_gus, quiet))
        async with away(uapid, network):
            start = now()
            await asyncio.gather(
                ana_bob.holder.transfer("0003*024"), flo_gus.held.transfer("0003*025")
            )
            await asyncio.gather(cleo.answered(), dan.answered())
            moved = now() + ENDED
            await asyncio.sleep(max(0.5 + ENDED, start + LEASE + ENDED - now()))
            # As it may have been renewed just before, or when that was nearly due.
            sounds = quiet.heard(start + LATE, start + LEASE * 2 / 3)
            assert sounds == [quiet.sound(held=True)] * len(sounds) != []
            # The music has gone with who was held, so the other had its voice at once.
            assert flo_gus.holder.rtp.hears(moved, moved + 0.5) == [dan.tone_letter]
            assert dan.rtp.hears(moved, moved + 0.5) == [flo_gus.holder.tone_letter]
            ended = now()
            await nothing_is_left(asterisk)
            await asyncio.gather(
                hear_each_other(ana_bob.held, cleo), hear_each_other(flo_gus.holder, dan)
            )
            heard_since(ended, [quiet], held=False)
            async with Inquiry() as pbx:
                (gain,) = (await pbx.variables([loud], "VOLUME(RX)")).values()
            assert float(gain) == -2
        await told([quiet], held=False)
        for call in await quiet.app.calls():
            assert not any("onHold" in view for view in call["phoneCallView"])
        await nothing_is_left(asterisk)


async def test_a_hold_lasts_for_any_number_of_leases(
    network: Network, plug_in: PlugIn, tmp_path: Path
) -> None:
    async with (
        Uapid(tmp_path, with_lease(LEASE)) as uapid,
        pairs_of(uapid, plug_in, (FIRST, DIRECT)) as pairs,
    ):
        await all_hold(pairs)
        start = now() + LATE
        await asyncio.sleep(2.5 * LEASE)
        heard_since(start, pairs, held=True)
        await told(pairs, held=True)
        await all_resume(pairs)
        await asyncio.gather(*(hear_each_other(pair.holder, pair.held) for pair in pairs))
        await told(pairs, held=False)


async def end_of_lease(pair: Pair) -> float:
    """When the hold ends without a daemon, in seconds of the loop's clock."""
    async with Inquiry() as pbx:
        snoops = await pbx.snoops_on(pair.legs[1])
        (left,) = (await pbx.variables(snoops, "TIMEOUT(absolute)")).values()
    return now() + float(left)


@contextmanager
def without_the_handler(asterisk: Asterisk) -> Iterator[None]:
    asterisk.cli("dialplan remove context uapid")
    try:
        yield
    finally:
        asterisk.cli("dialplan reload")


async def test_without_the_handler_in_the_dialplan_hold_works_and_what_is_missing_is_told(
    network: Network, asterisk: Asterisk, plug_in: PlugIn, tmp_path: Path
) -> None:
    with without_the_handler(asterisk):
        async with (
            Uapid(tmp_path, with_lease(LEASE)) as uapid,
            pairs_of(uapid, plug_in, (FIRST,)) as (pair,),
        ):
            (warning,) = [line for line in uapid.log().splitlines() if HANDLER in line]
            assert warning.startswith("WARNING")
            checked = (await uapid.run("check")).splitlines()
            assert [line for line in checked if HANDLER in line] == checked[-1:]
            await all_hold([pair])
            start = now() + LATE
            assert (await pair.traces()).leases == 0
            async with killed(uapid, network):
                await asyncio.sleep(max(0.0, start + LEASE + 0.5 - now()))
                heard_since(start, [pair], held=True)
            await told([pair], held=True)
            await all_resume([pair])
            await hear_each_other(pair.holder, pair.held)


async def test_a_start_of_the_daemon_leaves_only_those_on_hold_who_are(
    network: Network, asterisk: Asterisk, plug_in: PlugIn, tmp_path: Path
) -> None:
    async with (
        Uapid(tmp_path, THROUGH_THE_NETWORK) as uapid,
        pairs_of(uapid, plug_in, (FIRST, DIRECT, TRUNK)) as (on_hold, parted, muted),
    ):
        cleo = await plug_in("0003*024")
        cleo.will_answer()
        await all_hold((on_hold, parted))
        start = now() + LATE
        first_end = await end_of_lease(on_hold)
        async with killed(uapid, network):
            await parted.holder.transfer("0003*024")
            await cleo.answered()
            await ami("Setvar", Channel=muted.legs[1].name, Variable="VOLUME(RX)", Value="-32767")
            assert (await parted.traces()).snoops == 1
        await told([on_hold], held=True)
        await told([muted], held=False)
        await asyncio.gather(parted.is_clean(), muted.is_clean())
        await asyncio.gather(
            hear_each_other(parted.held, cleo), hear_each_other(muted.holder, muted.held)
        )
        heard_since(start, [on_hold], held=True)
        assert await end_of_lease(on_hold) > first_end + 0.2, "the next daemon does not renew it"
        await all_resume([on_hold])
        await hear_each_other(on_hold.holder, on_hold.held)
        await nothing_is_left(asterisk)
