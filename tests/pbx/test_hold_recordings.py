"""What recordings (MixMonitor) of the two parties have in them when one holds the other.

In each row Ana calls Bob. She is recorded by the dialplan and he by an AMI client, each into three
files: the own voice, what is heard, and both. Without the setting the own voices are recorded
during a hold too, with it nothing is. All rows of a test are played at the same time, with phones
of their own.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.container import DockerError
from tests.pbx.holding import hear_each_other, nothing_is_left
from tests.pbx.manager import AmiEvents, ami
from tests.pbx.phone import Phone
from tests.pbx.scene import Scene
from tests.pbx.tones import HALF_SECOND, NO_PACKETS, RATE, SAMPLES_PER_PACKET, SILENT, symbols
from tests.pbx.trio import Trio, at_the_same_time
from tests.pbx.uapid import BASE_URL, SETTINGS, Uapid
from tests.pbx.watching import Watching

RECORDED = "66"
MUTED = SETTINGS + "\n[hold]\nmute_recordings = true\n"
WRITTEN_SECONDS = 3.0

Files = dict[tuple[str, str], str]


class Row(NamedTuple):
    """``files`` tells for each file, by its party and its kind, the different sounds in it in
    their order, as a regular expression; silence at its two ends does not count."""

    name: str
    play: Callable[[Scene], Awaitable[None]]
    files: Files


def held_and_resumed(by: str) -> Callable[[Scene], Awaitable[None]]:
    async def play(scene: Scene) -> None:
        call = await talk(scene)
        await record(scene, scene.bob)
        await hear_each_other(scene.ana, scene.bob)
        holder, held = scene.pair(by)
        await scene.hold(call, holder, held)
        await scene.resume(call, holder, held)
        await scene.hang_up(scene.ana, scene.bob)

    return play


async def recorded_from_within_the_hold(scene: Scene) -> None:
    call = await talk(scene)
    await hear_each_other(scene.ana, scene.bob)
    await scene.hold(call, scene.ana, scene.bob)
    await record(scene, scene.bob)
    assert list(await asyncio.gather(scene.ana.listen(1), scene.bob.listen(1))) == [
        ["."] * 2,
        ["M"] * 2,
    ]
    await scene.resume(call, scene.ana, scene.bob)
    await scene.hang_up(scene.ana, scene.bob)


async def transferred(scene: Scene) -> None:
    call = await talk(scene)
    await record(scene, scene.bob)
    await hear_each_other(scene.ana, scene.bob)
    await scene.hold(call, scene.ana, scene.bob)
    scene.cleo.will_answer()
    await scene.ana.transfer(scene.cleo.extension)
    await scene.cleo.answered()
    await hear_each_other(scene.bob, scene.cleo)
    await scene.is_clean()
    await scene.hang_up(scene.bob, scene.cleo)


async def talk(scene: Scene) -> dict[str, Any]:
    return await scene.talk(RECORDED)


async def record(scene: Scene, phone: Phone) -> None:
    """An AMI client records this phone into files named as the dialplan does."""
    own, heard, both = (file_of(phone, kind) for kind in ("own", "heard", "both"))
    channel = await scene.trio.channel(phone)
    await ami("MixMonitor", Channel=channel, File=both, Options=f"r({own})t({heard})")


def file_of(phone: Phone, kind: str) -> str:
    return f"/tmp/{phone.extension[-3:]}-{kind}.ulaw"


def files(ana: Sequence[str], bob: Sequence[str]) -> Files:
    """The expressions for both parties' own voices, what they hear, and both of it."""
    return {
        (party, kind): expression
        for party, expressions in (("ana", ana), ("bob", bob))
        for kind, expression in zip(("own", "heard", "both"), expressions, strict=False)
    }


VOICES_GO_ON = [
    *(
        Row(
            f"held by {holder}",
            held_and_resumed(holder),
            files(ana=("A", r"B \. B", "AB A AB"), bob=("B", r"A \. A", "AB B AB")),
        )
        for holder in ("ana", "bob")
    ),
    Row(
        "recorded from within the hold",
        recorded_from_within_the_hold,
        files(ana=("A", r"B \. B", "AB A AB"), bob=("B", "A", "B AB")),
    ),
]
# Of the two voices one may fill more of the half second in which they go, or come, than the other.
BOTH_SILENT = r"AB( [AB])? \.( [AB])? AB"
NOTHING_GOES_ON = [
    *(
        Row(
            f"held by {holder}",
            held_and_resumed(holder),
            files(ana=(r"A \. A", r"B \. B", BOTH_SILENT), bob=(r"B \. B", r"A \. A", BOTH_SILENT)),
        )
        for holder in ("ana", "bob")
    ),
    # Whom Bob hears then Asterisk 22 does not record, without a hold neither.
    Row(
        "transferred during the hold",
        transferred,
        files(
            ana=("A", "B", "AB"),
            bob=(r"B \. B", r"A( \.| \?\w*| C)*", r"AB \.( \?\w*)?( B| BC)+"),
        ),
    ),
]


@pytest.mark.parametrize(
    ("settings", "rows"),
    [
        pytest.param(SETTINGS, VOICES_GO_ON, id="voices-go-on"),
        pytest.param(MUTED, NOTHING_GOES_ON, id="muted"),
    ],
)
async def test_no_recording_has_the_music_and_what_it_has_the_setting_tells(
    asterisk: Asterisk,
    tmp_path: Path,
    subtests: pytest.Subtests,
    settings: str,
    rows: list[Row],
) -> None:
    async with stage(tmp_path, settings) as (_, scene_of):

        def part(row: Row) -> Callable[[Trio], Awaitable[None]]:
            async def play(trio: Trio) -> None:
                scene = scene_of(trio)
                await row.play(scene)
                await are_in_the_files(asterisk, scene, row.files)

            return play

        outcomes = await at_the_same_time([part(row) for row in rows])
    for row, outcome in zip(rows, outcomes, strict=True):
        with subtests.test(row=row.name):
            if outcome:
                raise outcome
    await nothing_is_left(asterisk)


async def test_a_recording_is_not_left_muted_by_a_daemon_that_was_killed(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    """Not even if the new one is set to mute none."""
    async with stage(tmp_path, MUTED) as (uapid, scene_of), Trio(1) as trio:
        scene = scene_of(trio)
        call = await talk(scene)
        await record(scene, scene.bob)
        await hear_each_other(scene.ana, scene.bob)
        await scene.hold(call, scene.ana, scene.bob)
        await uapid.kill()
        settings = uapid.settings.read_text()
        uapid.settings.write_text(settings.replace("recordings = true", "recordings = false"))
        await uapid.start()
        await uapid.until_connected()
        await scene.resume(call, scene.ana, scene.bob)
        await scene.hang_up(scene.ana, scene.bob)
        await are_in_the_files(asterisk, scene, NOTHING_GOES_ON[0].files)
    await nothing_is_left(asterisk)


@asynccontextmanager
async def stage(
    folder: Path, settings: str
) -> AsyncIterator[tuple[Uapid, Callable[[Trio], Scene]]]:
    """A daemon with these settings, and scenes with an app of its."""
    async with Uapid(folder, settings) as uapid, Client(BASE_URL, await uapid.token()) as app:
        await uapid.until_connected()
        async with AmiEvents() as events:
            yield uapid, lambda trio: Scene(trio, app, events, Watching(app))


async def are_in_the_files(asterisk: Asterisk, scene: Scene, files: Files) -> None:
    """Each file has what its expression says, once it is written to its end."""
    wrong: dict[str, list[str]] = {}
    try:
        async with asyncio.timeout(WRITTEN_SECONDS):
            while wrong := await others(asterisk, scene, files):
                pass
    except TimeoutError:
        raise AssertionError(f"{wrong}, not {files}") from None


async def others(asterisk: Asterisk, scene: Scene, files: Files) -> dict[str, list[str]]:
    """What is in those files that do not have what they should."""
    wrong = {}
    for (party, kind), expression in files.items():
        path = file_of({"ana": scene.ana, "bob": scene.bob}[party], kind)
        heard = await asyncio.to_thread(sounds_in_file, asterisk, path)
        if not re.fullmatch(expression, " ".join(sound for sound, _ in groupby(heard))):
            wrong[path] = heard
    return wrong


def sounds_in_file(asterisk: Asterisk, path: str) -> list[str]:
    """A symbol for each half second, but for the silence at both ends."""
    try:
        content = asterisk.read(path)
    except DockerError as error:
        return [str(error)]
    packets = [
        (start / RATE, content[start : start + SAMPLES_PER_PACKET])
        for start in range(0, len(content), SAMPLES_PER_PACKET)
    ]
    told = symbols(packets, 0, len(content) / RATE // HALF_SECOND * HALF_SECOND)
    silent = {SILENT, NO_PACKETS}
    while told and told[0] in silent:
        told.pop(0)
    while told and told[-1] in silent:
        told.pop()
    return told
