"""The phones that the PBX knows."""

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
    # The provider: it calls with the numbers of the public, and takes all that are called.
    "trunk": ("127.0.77.100", "T"),
}
