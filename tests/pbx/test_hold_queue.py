"""Holds of calls that came through a queue: by the agent and by the caller.

In each row Ana calls the queue of her trio, in which Bob is the agent, by his phone or by a Local
channel that leads there. The queue takes no notice of a hold. All rows are played at the same
time, with phones of their own.
"""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.holding import hear_each_other, nothing_is_left
from tests.pbx.manager import AmiEvents, ami, ami_list
from tests.pbx.phone import Phone
from tests.pbx.scene import TOLD_SECONDS, Scene
from tests.pbx.trio import TRIOS, Trio, at_the_same_time
from tests.pbx.uapid import SETTINGS, Uapid
from tests.pbx.watching import Watching

PHONE, OPTIMIZED, STAYS = "PJSIP/{}", "Local/{}@internal", "Local/{}@internal/n"
QUEUES = "".join(
    f'\n[[extensions]]\nnumber = "0003*48{n}"\ntype = "queue"\nqueue = "trio-{n}"\n'
    for n in range(1, TRIOS + 1)
)
# What a queue tells of itself, of its agent and of a call: nothing of it during a call.
QUEUE_EVENTS = frozenset(
    {
        "AgentCalled",
        "AgentConnect",
        "AgentComplete",
        "AgentDump",
        "AgentRingNoAnswer",
        "QueueCallerAbandon",
        "QueueCallerJoin",
        "QueueCallerLeave",
        "QueueMemberAdded",
        "QueueMemberPause",
        "QueueMemberRemoved",
        "QueueMemberStatus",
    }
)
AGENT, CALLER = "agent", "caller"


class Row(NamedTuple):
    """``member`` is how the queue calls Bob; who holds, and who hangs up during a second hold."""

    name: str
    member: str
    holds: str
    hangs_up: str


ROWS = [
    Row(f"{name}: held by the {holds}, ended by the {hangs_up}", member, holds, hangs_up)
    for name, member, holds, hangs_up in (
        ("PJSIP member", PHONE, AGENT, AGENT),
        ("PJSIP member", PHONE, AGENT, CALLER),
        ("PJSIP member", PHONE, CALLER, CALLER),
        ("Local member", OPTIMIZED, AGENT, CALLER),
        ("Local member", OPTIMIZED, CALLER, AGENT),
        ("Local member that stays", STAYS, AGENT, AGENT),
        ("Local member that stays", STAYS, CALLER, CALLER),
    )
]


@pytest.fixture
async def uapid(asterisk: Asterisk, tmp_path: Path) -> AsyncIterator[Uapid]:
    """A daemon that knows the queues of the trios."""
    async with Uapid(tmp_path, SETTINGS + QUEUES) as uapid:
        await uapid.until_connected()
        yield uapid


async def test_a_queue_takes_no_notice_of_a_hold(
    asterisk: Asterisk, uapid: Uapid, app: Client, subtests: pytest.Subtests
) -> None:
    async with AmiEvents() as events, Watching(app) as watching:

        async def play(row: Row, trio: Trio) -> None:
            await play_row(row, Scene(trio, app, events, watching))

        outcomes = await at_the_same_time([partial(play, row) for row in ROWS])
    for row, outcome in zip(ROWS, outcomes, strict=True):
        with subtests.test(row=row.name):
            if outcome:
                raise outcome
    await nothing_is_left(asterisk)


async def play_row(row: Row, scene: Scene) -> None:
    queue, number = f"trio-{scene.trio.number}", f"0003*48{scene.trio.number}"
    interface = row.member.format(scene.bob.extension)
    completed = int((await status_of(queue))[0]["Completed"])  # in the rows before, by this trio
    await ami("QueueAdd", Queue=queue, Interface=interface)
    call = await scene.talk_by(number)
    if row.member == OPTIMIZED:
        await scene.trio.until(lambda there: len(there) == 2)
    await hear_each_other(scene.ana, scene.bob)
    names = {channel.name for channel in await scene.trio.channels()}
    assert len(names) == (4 if row.member == STAYS else 2)
    before = waiting, agent = await status_of(queue)
    assert waiting["Calls"] == "0"
    # What a Local channel brought counts as taken once that channel is out of the way.
    assert int(agent["InCall"]) + int(agent["CallsTaken"]) == 1
    began = scene.now

    phones = {AGENT: scene.bob, CALLER: scene.ana}
    holder = phones[row.holds]
    held = scene.ana if holder is scene.bob else scene.bob
    await scene.hold(call, holder, held)
    assert await status_of(queue) == before
    (seen,) = await scene.app.calls(number)
    assert scene.holders([seen]) == [holder.extension], "who asks for the queue sees it too"
    await scene.resume(call, holder, held)
    assert await status_of(queue) == before
    assert {channel.name for channel in await scene.trio.channels()} == names

    await scene.hold(call, holder, held)
    assert scene.events.find(began, Event=QUEUE_EVENTS, Queue=queue) == []
    await ends_while_held(scene, phones[row.hangs_up])
    complete = await scene.events.first(began, Event="AgentComplete", Queue=queue)
    assert complete.fields["Reason"] == row.hangs_up
    waiting, agent = await status_of(queue)
    assert (int(waiting["Completed"]), agent["CallsTaken"]) == (completed + 1, "1")
    await ami("QueueRemove", Queue=queue, Interface=interface)


async def ends_while_held(scene: Scene, by: Phone) -> None:
    other = scene.ana if by is scene.bob else scene.bob
    hung_up = scene.now
    await by.hang_up()
    await other.ended()
    await scene.trio.until(lambda channels: not channels)
    assert scene.now - hung_up < TOLD_SECONDS
    await scene.app.calls_until(lambda calls: not scene.trio.calls(calls))
    assert scene.now - hung_up < 2 * TOLD_SECONDS


async def status_of(queue: str) -> list[dict[str, str]]:
    """What QueueStatus tells of the queue and of its agent, but for what counts seconds."""
    told = ("Calls", "Completed", "Abandoned", "Status", "InCall", "CallsTaken", "Paused")
    return [
        {name: entry.get(name, "") for name in told}
        for entry in await ami_list("QueueStatus", Queue=queue)
    ]
