"""PUT OnHold to its answer, against the steps on the PBX done by hand; and until the music.

Both in turns on one call between two phones of the real PBX. The music is the first packet on the
wire that has some, at the held phone.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.by_hand import ByHand
from tests.pbx.asterisk import Asterisk
from tests.pbx.held_pairs import PAIRS, Pair, all_resume, pairs_of
from tests.pbx.phone import Phone
from tests.pbx.sipp import PhoneRoom
from tests.pbx.tones import sounds_in
from tests.pbx.uapid import Uapid

WARM_UP, ROUNDS = 20, 300
MEDIAN_TARGET, P99_TARGET = 2.0, 3.0
_MUSIC = "M"
_PACKET = 0.02
_PATIENCE = 2.0


class Samples(NamedTuple):
    """Seconds: until the daemon's answer, by hand, and until the music of the daemon's holds."""

    asked: list[float]
    by_hand: list[float]
    music: list[float]


def main() -> None:
    with Asterisk(), PhoneRoom(), TemporaryDirectory() as folder:
        asked, by_hand, music = asyncio.run(_measure(Path(folder)))
    middle, worst = median(asked) / median(by_hand), _p99(asked) / _p99(by_hand)
    print(
        f"hold: PUT OnHold {_told(asked)}, its steps by hand {_told(by_hand)}: "
        f"ratio {middle:.2f} (target at most {MEDIAN_TARGET}), "
        f"at p99 {worst:.2f} (target at most {P99_TARGET}); first music {_told(music)}"
    )


def _told(seconds: list[float]) -> str:
    return f"{median(seconds) * 1e3:.1f} ms and p99 {_p99(seconds) * 1e3:.1f} ms"


def _p99(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[-1]


async def _measure(folder: Path) -> Samples:
    samples = Samples([], [], [])
    async with AsyncExitStack() as stack:
        uapid = await stack.enter_async_context(Uapid(folder))
        await uapid.until_connected()

        async def plug_in(extension: str) -> Phone:
            return await stack.enter_async_context(Phone.known(extension))

        (pair,) = await stack.enter_async_context(pairs_of(uapid, plug_in, PAIRS[:1]))
        hand = await stack.enter_async_context(ByHand(*pair.legs))
        for number in range(WARM_UP + ROUNDS):
            if number == WARM_UP:
                for kept in samples:
                    kept.clear()
            samples.by_hand.append(await _seconds(hand.hold()))
            await hand.resume()
            await pair.is_clean()
            await _one_hold(pair, samples)
    return samples


async def _one_hold(pair: Pair, samples: Samples) -> None:
    """By the daemon, until the music is heard."""
    pair.held.rtp.packets.clear()
    began = _now()
    samples.asked.append(await _seconds(pair.hold()))
    samples.music.append(await _music_at(pair.held) - began)
    await all_resume([pair])


async def _seconds(work: Awaitable[object]) -> float:
    began = _now()
    await work
    return _now() - began


async def _music_at(phone: Phone) -> float:
    """When the first of the phone's packets with music came."""
    heard = 0
    async with asyncio.timeout(_PATIENCE):
        while True:
            for packet in phone.rtp.packets[heard:]:
                if _MUSIC in sounds_in(packet.payload):
                    return packet.arrival
                heard += 1
            await asyncio.sleep(_PACKET)


def _now() -> float:
    return asyncio.get_running_loop().time()


if __name__ == "__main__":
    main()
