"""The ears of the robot phones: which symbols stand for which packets."""

import asyncio

import pytest

from tests.pbx.addresses import address
from tests.pbx.codecs import G729, PCMA, PCMU, Codec
from tests.pbx.rtp import PACKET_TIME, RtpPeer
from tests.pbx.tones import TONES, packet_of, symbol, symbols

SILENCE = bytes([0xFF]) * 160


@pytest.mark.parametrize("letter", TONES)
def test_each_tone_alone(letter: str) -> None:
    assert symbol([packet_of(letter)] * 25) == letter


@pytest.mark.parametrize("letters", ["AB", "AM", "BM", "ABM", "CT", "DEFG"])
def test_mixed_tones(letters: str) -> None:
    assert symbol([packet_of(*letters)] * 25) == letters


@pytest.mark.parametrize("codec", [PCMU, PCMA, G729], ids=lambda codec: codec.name)
@pytest.mark.parametrize("letter", TONES)
def test_each_tone_in_each_codec(codec: Codec, letter: str) -> None:
    heard = codec.unpack(codec.pack(packet_of(letter)))
    assert symbol([heard] * 25) == letter


def test_a_frame_that_stands_for_no_tone_is_another_sound() -> None:
    assert symbol([G729.unpack(b"\x00" * 20)] * 25) == "?"


def test_silence() -> None:
    assert symbol([SILENCE] * 25) == "."


def test_no_packets() -> None:
    assert symbol([]) == "-"


@pytest.mark.parametrize(("loudness", "heard"), [(600, "A"), (100, ".")])
def test_low_level(loudness: int, heard: str) -> None:
    assert symbol([packet_of("A", loudness=loudness)] * 25) == heard


def test_a_short_leak_is_heard() -> None:
    assert symbol([SILENCE] * 22 + [packet_of("B")] * 3) == "B"


def test_a_click_is_not_a_tone() -> None:
    click = packet_of("A")[:70] + SILENCE[70:]
    assert symbol([packet_of("A")] * 12 + [click] + [SILENCE] * 12) == "A"


def test_other_sounds_are_not_silence() -> None:
    square = bytes([0x90] * 13 + [0x10] * 13) * 7
    assert "?" in symbol([square[:160]] * 25)


def test_a_symbol_for_each_half_second() -> None:
    times = [n * PACKET_TIME for n in range(100)]
    packets = [(10 + t, packet_of("A") if t < 0.5 else SILENCE) for t in times if t < 1]
    assert symbols(packets, 10, 12) == ["A", ".", "-", "-"]
    assert symbols(packets, 10.5, 11.2) == ["."]


async def test_two_peers_hear_each_other_without_drift() -> None:
    here, there = (address(2), 4000), (address(3), 4000)
    one = await RtpPeer.open("A", here)
    two = await RtpPeer.open("B", there)
    try:
        one.remote, two.remote = there, here
        heard_by_one, heard_by_two = await asyncio.gather(one.listen(1.5), two.listen(1.5))
        assert (heard_by_one, heard_by_two) == (["B"] * 3, ["A"] * 3)
        assert two.source == here
        # Delays come and go, so the most punctual packets tell whether the clock drifts.
        lags = [packet.arrival - n * PACKET_TIME for n, packet in enumerate(two.packets)]
        assert min(lags[-25:]) == pytest.approx(min(lags[:25]), abs=0.005)

        one.sending = False
        await two.listen(0.5)
        assert await two.listen(0.5) == ["-"]
    finally:
        await one.close()
        await two.close()
