"""G.711 u-law tones: making them, and telling which of them a stretch of packets holds.

A packet is 20 ms of u-law, 160 samples of 8 kHz. Every tone is a multiple of 50 Hz, so a packet
holds whole periods: one packet repeated is a tone without a break, and the tones of one packet
do not leak into each other.
"""

import math
from collections.abc import Iterable
from functools import lru_cache
from operator import mul

RATE = 8000
SAMPLES_PER_PACKET = 160
HALF_SECOND = 0.5

# What each letter sounds like, in Hz. M is the music on hold of the test PBX.
TONES = {
    "A": 400,
    "B": 900,
    "C": 1400,
    "D": 600,
    "E": 1150,
    "F": 1700,
    "G": 2300,
    "M": 2000,
    "T": 2700,
}

SILENT = "."
NO_PACKETS = "-"
OTHER_SOUND = "?"

# Amplitudes, of 32767: what phones send, and the least that counts as heard. A tone of the
# first distorts into others by 1/80 of it through u-law, well below the second.
LOUDNESS = 6000
AUDIBLE = 300
# A step within one packet splashes over all frequencies; what lasts is in two packets.
PACKETS_TO_BE_HEARD = 2


def decoded(code: int) -> int:
    """The linear sample of 16 bits that a u-law byte stands for."""
    code = ~code & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return -magnitude if code & 0x80 else magnitude


_DECODED = tuple(decoded(code) for code in range(256))


def encode(sample: float) -> int:
    """The u-law byte of a linear sample of 16 bits; louder ones are clipped."""
    magnitude = min(round(abs(sample)), 32635) + 0x84
    exponent = magnitude.bit_length() - 8
    code = exponent << 4 | (magnitude >> (exponent + 3)) & 0x0F
    return ~(code | (0x80 if sample < 0 else 0)) & 0xFF


def packet_of(*letters: str, loudness: float = LOUDNESS) -> bytes:
    """One packet of u-law with the tones of these letters, each of this amplitude."""
    return bytes(
        encode(
            sum(loudness * math.sin(2 * math.pi * TONES[letter] * n / RATE) for letter in letters)
        )
        for n in range(SAMPLES_PER_PACKET)
    )


def _wave(frequency: int) -> tuple[list[float], list[float]]:
    angles = [2 * math.pi * frequency * n / RATE for n in range(SAMPLES_PER_PACKET)]
    return [math.cos(angle) for angle in angles], [math.sin(angle) for angle in angles]


_WAVES = {letter: _wave(frequency) for letter, frequency in TONES.items()}


# A phone sends the same packet again and again: most are known, and a loop that listens to many
# phones is not held up.
@lru_cache(maxsize=4096)
def sounds_in(payload: bytes) -> frozenset[str]:
    """The letters of the tones in one packet, with OTHER_SOUND for any other sound in it."""
    samples = [_DECODED[code] for code in payload]
    power = sum(map(mul, samples, samples)) / len(samples)
    if power < AUDIBLE**2 / 2:
        return frozenset()
    heard = set()
    rest = power
    for letter, (cosine, sine) in _WAVES.items():
        along = sum(map(mul, samples, cosine))
        across = sum(map(mul, samples, sine))
        tone_power = 2 * (along**2 + across**2) / len(samples) ** 2
        rest -= tone_power
        if tone_power >= AUDIBLE**2 / 2:
            heard.add(letter)
    if rest >= AUDIBLE**2 / 2 and rest >= power / 10:
        heard.add(OTHER_SOUND)
    return frozenset(heard)


def symbol(payloads: Iterable[bytes]) -> str:
    """What half a second of packets sounds like: the letters of its tones in alphabetical order
    (`?` is a sound that is no tone), `.` for packets without sound, `-` for no packets."""
    counts: dict[str, int] = {}
    packets = 0
    for payload in payloads:
        packets += 1
        for letter in sounds_in(payload):
            counts[letter] = counts.get(letter, 0) + 1
    if not packets:
        return NO_PACKETS
    heard = sorted(letter for letter, count in counts.items() if count >= PACKETS_TO_BE_HEARD)
    return "".join(heard) or SILENT


def symbols(packets: Iterable[tuple[float, bytes]], start: float, end: float) -> list[str]:
    """One symbol for each whole half second from start to end, of (arrival, payload) packets.

    The times are seconds of one clock.
    """
    windows: list[list[bytes]] = [[] for _ in range(int((end - start) / HALF_SECOND + 1e-6))]
    for arrival, payload in packets:
        window = math.floor((arrival - start) / HALF_SECOND)
        if 0 <= window < len(windows):
            windows[window].append(payload)
    return [symbol(window) for window in windows]
