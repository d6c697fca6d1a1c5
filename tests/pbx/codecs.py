"""What RTP carries, to and from the u-law that the tones of tests.pbx.tones are in."""

from collections.abc import Callable
from typing import NamedTuple

from tests.pbx.tones import TONES, decoded, encode, packet_of


class Codec(NamedTuple):
    """A codec as SDP and RTP name it; `pack` and `unpack` are of one packet's payload."""

    name: str
    payload_type: int
    pack: Callable[[bytes], bytes]
    unpack: Callable[[bytes], bytes]


def _a_law(sample: int) -> int:
    magnitude = min(abs(sample), 32767) >> 4
    exponent = max(magnitude.bit_length() - 5, 0)
    code = exponent << 4 | magnitude >> max(exponent, 1) & 0x0F
    return code ^ (0xD5 if sample >= 0 else 0x55)


def _from_a_law(code: int) -> int:
    code ^= 0x55
    exponent = (code & 0x70) >> 4
    magnitude = ((code & 0x0F) << 4) + 8
    if exponent:
        magnitude = magnitude + 0x100 << exponent - 1
    return magnitude if code & 0x80 else -magnitude


_U_TO_A = bytes(_a_law(decoded(code)) for code in range(256))
_A_TO_U = bytes(encode(_from_a_law(code)) for code in range(256))

# Nothing here can make sound of G.729: each tone stands for a frame that no other tone has.
_FRAMES = {packet_of(letter): letter.encode() * 20 for letter in TONES}
_SOUNDS = {frame: sound for sound, frame in _FRAMES.items()}
_OTHER_SOUND = b"\x00\x80" * 80

PCMU = Codec("PCMU", 0, bytes, bytes)
PCMA = Codec("PCMA", 8, lambda u: u.translate(_U_TO_A), lambda a: a.translate(_A_TO_U))
G729 = Codec("G729", 18, _FRAMES.__getitem__, lambda frame: _SOUNDS.get(frame, _OTHER_SOUND))
