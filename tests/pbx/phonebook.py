"""The phones that the PBX knows."""

from tests.pbx.codecs import G729, PCMA

# Extension, address, letter of the tone.
PHONES = {
    "0003*210": ("127.0.77.210", "A"),
    "0003*211": ("127.0.77.211", "B"),
    "0003*024": ("127.0.77.24", "C"),
    "0003*025": ("127.0.77.25", "D"),
    "0004*300": ("127.0.77.30", "E"),
    # These two send their media to each other.
    "0003*220": ("127.0.77.220", "F"),
    "0003*221": ("127.0.77.221", "G"),
    # These know one codec each, and not the one of the others.
    "0003*150": ("127.0.77.150", "A"),
    "0003*151": ("127.0.77.151", "B"),
    "0003*152": ("127.0.77.152", "B"),
    "0003*153": ("127.0.77.153", "A"),
    # The provider: it calls with the numbers of the public, and takes all that are called.
    "trunk": ("127.0.77.100", "T"),
}

# What phones speak that do not speak PCMU.
CODECS = {"0003*150": G729, "0003*151": G729, "0003*152": PCMA, "0003*153": PCMA}

# Pairs, for what is tried with many calls at the same time: A calls B. Those of the first kind send
# their media through the PBX, those of the second to each other.
THROUGH_THE_PBX = [(f"0003*{n}", f"0003*{n + 1}") for n in range(110, 126, 2)]
DIRECT = [(f"0003*{n}", f"0003*{n + 1}") for n in range(130, 146, 2)]
PHONES |= {
    extension: (extension.replace("0003*", "127.0.77."), letter)
    for pair in THROUGH_THE_PBX + DIRECT
    for extension, letter in zip(pair, "AB", strict=True)
}
