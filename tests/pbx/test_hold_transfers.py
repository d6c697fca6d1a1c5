"""A party of a hold is transferred, moved or parked, or leaves: the other has its voice back.

In each row Ana calls Bob, one of them holds the other, and the survivor of the two comes to talk
to Cleo. All rows are played at the same time, with phones of their own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.holding import hear_each_other, nothing_is_left
from tests.pbx.manager import AmiEvents, ami, ami_list
from tests.pbx.phone import Phone
from tests.pbx.receiver import Receiver
from tests.pbx.scene import TOLD_SECONDS, Scene, held_by_us
from tests.pbx.test_events import ANSWER_IN, ANSWER_OUT, DIAL_IN, DIAL_OUT, register_all
from tests.pbx.trio import TRIOS, Trio, at_the_same_time, extensions
from tests.pbx.uapid import Uapid
from tests.pbx.watching import Watching

KEYS, GOES_ON = "62", "65"
FEATURE_CODE = "*2"


class Together(NamedTuple):
    """Who talk to each other in the end, and since when."""

    survivor: Phone
    newcomer: Phone
    since: float


Act = Callable[[Scene], Awaitable[Together]]


class Row(NamedTuple):
    """``act`` is what happens during the hold. ``passing`` are the tones that the survivor may
    hear in the first second of the new conversation, beside what it is to hear. ``by_phone`` tells
    that a phone's own hold, or that of a feature code, shows until then."""

    name: str
    act: Act
    passing: str = "AM"
    prefix: str = ""
    holder: str = "ana"
    by_phone: bool = False


def blind_transfer(by: str) -> Act:
    async def act(scene: Scene) -> Together:
        left, survivor = scene.pair(by)
        scene.cleo.will_answer()
        channel = await scene.trio.channel(left)
        number = scene.cleo.extension
        await ami("BlindTransfer", Channel=channel, Context="internal", Exten=number)
        await asyncio.gather(left.ended(), scene.cleo.answered())
        return Together(survivor, scene.cleo, scene.now)

    return act


def refer(by: str) -> Act:
    async def act(scene: Scene) -> Together:
        left, survivor = scene.pair(by)
        scene.cleo.will_answer()
        await left.transfer(scene.cleo.extension)
        await scene.cleo.answered()
        return Together(survivor, scene.cleo, scene.now)

    return act


async def refer_with_replaces(scene: Scene) -> Together:
    """Ana asks Cleo by a second call. Meanwhile she sends no voice to the first one."""
    first = scene.ana.current
    assert first
    scene.cleo.will_answer()
    second = await scene.ana.call(scene.cleo.extension)
    await asyncio.gather(scene.ana.answered(), scene.cleo.answered())
    await hear_each_other(scene.ana, scene.cleo)
    await scene.ana.transfer_to(second, first)
    since = scene.now
    await asyncio.gather(scene.ana.ended(call=first), scene.ana.ended(call=second))
    return Together(scene.bob, scene.cleo, since)


async def refer_with_replaces_after_a_hold_of_the_phone(scene: Scene) -> Together:
    await scene.ana.hold()
    return await refer_with_replaces(scene)


def attended_transfer(by: str) -> Act:
    async def act(scene: Scene) -> Together:
        left, survivor = scene.pair(by)
        await ask_cleo(scene, left, survivor)
        await left.hang_up()
        return Together(survivor, scene.cleo, scene.now)

    return act


async def attended_transfer_by_keys(scene: Scene) -> Together:
    scene.cleo.will_answer()
    await scene.ana.press(FEATURE_CODE)
    await scene.bob.hears("M")
    await scene.ana.press(scene.cleo.extension)
    await is_asked(scene, scene.ana, scene.bob)
    await scene.ana.hang_up()
    return Together(scene.bob, scene.cleo, scene.now)


async def attended_transfer_called_off(scene: Scene) -> Together:
    """Cleo hangs up, and Ana and Bob are together again, without a hold."""
    await ask_cleo(scene, scene.ana, scene.bob)
    await scene.cleo.hang_up()
    return Together(scene.bob, scene.ana, scene.now)


async def ask_cleo(scene: Scene, by: Phone, other: Phone) -> None:
    scene.cleo.will_answer()
    channel = await scene.trio.channel(by)
    await ami("Atxfer", Channel=channel, Context="internal", Exten=scene.cleo.extension)
    await is_asked(scene, by, other)


async def is_asked(scene: Scene, by: Phone, other: Phone) -> None:
    """The transferer and Cleo hear each other, the third hears the PBX's music."""
    await scene.cleo.answered()
    await scene.hear_each_other_soon(by, scene.cleo, scene.now, other.tone_letter + "M")
    await other.hears("M")


def redirect(of: str) -> Act:
    async def act(scene: Scene) -> Together:
        moved, left = scene.pair(of)
        scene.cleo.will_answer()
        channel = await scene.trio.channel(moved)
        place = {"Context": "internal", "Exten": scene.cleo.extension, "Priority": "1"}
        await ami("Redirect", Channel=channel, **place)
        await asyncio.gather(left.ended(), scene.cleo.answered())
        return Together(moved, scene.cleo, scene.now)

    return act


async def parked_and_retrieved(scene: Scene) -> Together:
    """Bob waits with the music of the parking lot alone until Cleo takes him."""
    channel = await scene.trio.channel(scene.bob)
    await ami("Park", Channel=channel)
    await asyncio.gather(scene.ana.ended(), scene.bob.hears("M"))
    assert await scene.bob.listen(1) == ["M"] * 2
    spaces = {p["ParkeeChannel"]: p["ParkingSpace"] for p in await ami_list("ParkedCalls")}
    await scene.cleo.call(spaces[channel])
    await scene.cleo.answered()
    return Together(scene.bob, scene.cleo, scene.now)


async def the_caller_goes_on(scene: Scene) -> Together:
    scene.cleo.will_answer()
    await scene.bob.hang_up()
    await scene.cleo.answered()
    return Together(scene.ana, scene.cleo, scene.now)


# Those that take longest come first.
ROWS = [
    *(
        Row(name, act, passing="ABM", prefix=KEYS, by_phone=True)
        for name, act in (
            ("Atxfer by the holder", attended_transfer("ana")),
            ("Atxfer by the holder's keys", attended_transfer_by_keys),
            ("Atxfer by the holder, called off", attended_transfer_called_off),
            ("Atxfer by the held", attended_transfer("bob")),
        )
    ),
    Row("REFER with Replaces by the holder", refer_with_replaces),
    Row(
        "REFER with Replaces by the holder, whose phone holds too",
        refer_with_replaces_after_a_hold_of_the_phone,
        by_phone=True,
    ),
    Row("AMI Park of the held", parked_and_retrieved),
    Row("AMI BlindTransfer by the holder", blind_transfer("ana")),
    Row("AMI BlindTransfer by the held", blind_transfer("bob"), passing="B"),
    Row("REFER by the holder", refer("ana")),
    Row("REFER by the held", refer("bob"), passing="B"),
    Row("AMI Redirect of the held", redirect("bob")),
    Row("AMI Redirect of the holder", redirect("ana"), passing="B"),
    Row("Dial option g", the_caller_goes_on, passing="BM", prefix=GOES_ON, holder="bob"),
]


async def test_who_is_left_of_a_hold_talks_on_as_if_there_had_been_none(
    asterisk: Asterisk,
    uapid: Uapid,
    app: Client,
    receiver: Receiver,
    subtests: pytest.Subtests,
) -> None:
    for number in range(1, TRIOS + 1):
        for extension in extensions(number):
            await register_all(app, extension)
    async with AmiEvents() as events, Watching(app) as watching:

        async def play(row: Row, trio: Trio) -> None:
            await play_row(row, Scene(trio, app, events, watching), receiver)

        outcomes = await at_the_same_time([partial(play, row) for row in ROWS])
    for row, outcome in zip(ROWS, outcomes, strict=True):
        with subtests.test(row=row.name):
            if outcome:
                raise outcome
    await nothing_is_left(asterisk)
    await uapid.until_all_is_over()
    told = [(webhook.path, webhook.parameters["CallID"]) for webhook in receiver.received]
    assert len(told) == len(set(told)), "nothing is told twice"
    for seen in (*receiver.received, *watching.looks):
        assert "Snoop" not in str(seen)


async def play_row(row: Row, scene: Scene, receiver: Receiver) -> None:
    before = scene.webhooks(receiver)
    call = await scene.talk(row.prefix)
    await hear_each_other(scene.ana, scene.bob)
    holder, held = scene.pair(row.holder)
    channels = [await scene.trio.channel(phone) for phone in (holder, held)]
    await scene.hold(call, holder, held)
    told = [int(w.path.rpartition("/")[2]) for w in scene.webhooks(receiver)[len(before) :]]
    assert sorted(told) == sorted([DIAL_IN, DIAL_OUT, ANSWER_IN, ANSWER_OUT])
    began = scene.now
    (survivor, newcomer, since), parted = await asyncio.gather(
        row.act(scene), scene.parted(began, channels)
    )
    await scene.hear_each_other_soon(survivor, newcomer, since, row.passing)
    await scene.are_alone_together(survivor, newcomer)
    await scene.is_clean()

    for look in scene.watching.between(began, parted):
        shown = scene.holders(look.calls)
        if row.by_phone:
            shown = [extension for extension in shown if extension == holder.extension]
        assert shown == [holder.extension], look
    for look in scene.watching.between(parted + TOLD_SECONDS, scene.now):
        late = f"{look.asked - parted:.2f} s after they parted: {look.calls}"
        assert not any(map(held_by_us, scene.trio.calls(look.calls))), late
        if not row.by_phone or look.asked > since + TOLD_SECONDS:
            assert scene.holders(look.calls) == [], late
    await scene.hang_up(survivor, newcomer)
