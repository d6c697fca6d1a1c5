"""Holds of calls with Local channels in them, before, while and after these are optimized away.

In each row one phone holds the other, whose music must come from the phone's own end of the call,
and nothing of the hold is left on a Local channel. All rows are played at the same time, with
phones of their own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

import pytest

from tests.pbx.asterisk import Asterisk, Channel
from tests.pbx.call import State
from tests.pbx.client import Client
from tests.pbx.holding import hear, hear_each_other, nothing_is_left
from tests.pbx.manager import AmiEvents, ami
from tests.pbx.patience import PATIENCE
from tests.pbx.phone import Phone
from tests.pbx.scene import Scene
from tests.pbx.trio import Trio, at_the_same_time
from tests.pbx.uapid import Uapid
from tests.pbx.watching import Watching

KEYS, OPTIMIZED, STAYS = "62", "63", "64"


class Held(NamedTuple):
    """Who holds whom, and the channels that the call has for as long as the hold goes on."""

    holder: Phone
    held: Phone
    channels: int = 2


Act = Callable[[Scene], Awaitable[Held]]


def local(channels: list[Channel]) -> list[str]:
    return [channel.name for channel in channels if channel.name.startswith("Local/")]


async def optimized(scene: Scene) -> None:
    await scene.trio.until(lambda channels: not local(channels))


def after_the_optimization(by: str) -> Act:
    async def act(scene: Scene) -> Held:
        await scene.talk(OPTIMIZED)
        await optimized(scene)
        holder, held = scene.pair(by)
        await hear_each_other(holder, held)
        await hold_at_once(scene, holder)
        return Held(holder, held)

    return act


def of_a_local_channel_that_stays(by: str) -> Act:
    async def act(scene: Scene) -> Held:
        await scene.talk(STAYS)
        holder, held = scene.pair(by)
        await hear_each_other(holder, held)
        await hold_at_once(scene, holder)
        return Held(holder, held, channels=4)

    return act


def at_the_answer(by: str) -> Act:
    """The app insists from the moment at which it rings."""

    async def act(scene: Scene) -> Held:
        scene.bob.will_answer()
        await scene.ana.call(OPTIMIZED + scene.bob.extension)
        await scene.bob.ringing()
        holder, held = scene.pair(by)
        await hold_at_once(scene, holder)
        await optimized(scene)
        return Held(holder, held)

    return act


def before_the_optimization(by: str) -> Act:
    """The Local channel is in the way until the hold is in force, and then nobody notices."""

    async def act(scene: Scene) -> Held:
        await scene.talk(STAYS)
        holder, held = scene.pair(by)
        await hold_at_once(scene, holder)
        await hear(holder, ".", held, "M")
        half, _ = local(await scene.trio.channels())
        await ami("LocalOptimizeAway", Channel=half)
        heard = asyncio.gather(holder.listen(1.5), held.listen(1.5))
        await optimized(scene)
        assert list(await heard) == [["."] * 3, ["M"] * 3]
        return Held(holder, held)

    return act


def after_an_attended_transfer(by: str) -> Act:
    """What the PBX joins by a Local channel is held before that is out of the way."""

    async def act(scene: Scene) -> Held:
        await scene.talk(KEYS)
        scene.cleo.will_answer()
        channel = await scene.trio.channel(scene.ana)
        await ami("Atxfer", Channel=channel, Context="internal", Exten=scene.cleo.extension)
        await scene.cleo.answered()
        await hear_each_other(scene.ana, scene.cleo)
        holder, held = (scene.bob, scene.cleo) if by == "bob" else (scene.cleo, scene.bob)
        await scene.ana.hang_up()
        await hold_at_once(scene, holder)
        await optimized(scene)
        return Held(holder, held)

    return act


async def hold_at_once(scene: Scene, holder: Phone) -> None:
    """Asks for the hold of the phone's only call until there is one to hold."""
    path = f"/phoneCalls/@me/{holder.extension}"
    async with asyncio.timeout(PATIENCE):
        while (answer := await scene.app.put(path, {"action": "OnHold"})).status != 200:
            assert answer.status in (204, 400), answer
    assert scene.holders(answer.body) == [holder.extension]


ROWS: dict[str, Act] = {
    f"{name}, by {by}": act(by)
    for name, act, holders in (
        ("after an attended transfer", after_an_attended_transfer, ("bob", "cleo")),
        ("before the optimization", before_the_optimization, ("ana", "bob")),
        ("Local channel that stays", of_a_local_channel_that_stays, ("ana", "bob")),
        ("after the optimization", after_the_optimization, ("ana", "bob")),
        ("at the answer", at_the_answer, ("ana", "bob")),
    )
    for by in holders
}


async def test_local_channels_make_no_difference_to_a_hold(
    asterisk: Asterisk, uapid: Uapid, app: Client, subtests: pytest.Subtests
) -> None:
    async with AmiEvents() as events, Watching(app) as watching:

        async def play(act: Act, trio: Trio) -> None:
            await play_row(act, Scene(trio, app, events, watching))

        outcomes = await at_the_same_time([partial(play, act) for act in ROWS.values()])
    for name, outcome in zip(ROWS, outcomes, strict=True):
        with subtests.test(row=name):
            if outcome:
                raise outcome
    await nothing_is_left(asterisk)


async def play_row(act: Act, scene: Scene) -> None:
    holder, held, count = await act(scene)
    began = scene.now
    await hear(holder, ".", held, "M")
    channels = await scene.trio.until(lambda there: len(there) == count + 1)
    traces = await scene.traces()
    assert len(traces) == 3
    assert not any(name.startswith("Local/") for name in traces)
    for look in scene.watching.between(began, scene.now):
        assert scene.holders(look.calls) == [holder.extension]
    (call,) = scene.trio.calls(await scene.app.calls())
    await scene.resume(call, holder, held)
    assert (holder.state, held.state) == (State.TALKING, State.TALKING)
    left = [channel for channel in channels if not channel.name.startswith("Snoop/")]
    assert {c.name for c in await scene.trio.channels()} == {c.name for c in left}
    await scene.hang_up(held, holder)
