"""The phones that the PBX knows."""

from tests.pbx.addresses import address
from tests.pbx.codecs import G729, PCMA

# Extension, address, letter of the tone.
PHONES = {
    "0003*210": (address(210), "A"),
    "0003*211": (address(211), "B"),
    "0003*024": (address(24), "C"),
    "0003*025": (address(25), "D"),
    "0004*300": (address(30), "E"),
    # These two send their media to each other.
    "0003*220": (address(220), "F"),
    "0003*221": (address(221), "G"),
    # These know one codec each, and not the one of the others.
    "0003*150": (address(150), "A"),
    "0003*151": (address(151), "B"),
    "0003*152": (address(152), "B"),
    "0003*153": (address(153), "A"),
    # These are not called as their numbers in the UAPI.
    "310": (address(180), "A"),
    "311": (address(181), "B"),
    # The provider: it calls with the numbers of the public, and takes all that are called.
    "trunk": (address(100), "T"),
}

# What phones speak that do not speak PCMU.
CODECS = {"0003*150": G729, "0003*151": G729, "0003*152": PCMA, "0003*153": PCMA}

# Pairs, for what is tried with many calls at the same time: A calls B. Those of the first kind send
# their media through the PBX, those of the second to each other.
THROUGH_THE_PBX = [(f"0003*{n}", f"0003*{n + 1}") for n in range(110, 126, 2)]
DIRECT = [(f"0003*{n}", f"0003*{n + 1}") for n in range(130, 146, 2)]
PHONES |= {
    extension: (address(int(extension.removeprefix("0003*"))), letter)
    for pair in THROUGH_THE_PBX + DIRECT
    for extension, letter in zip(pair, "AB", strict=True)
}
