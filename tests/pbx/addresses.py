"""The addresses of the tests: a loopback network for each process that runs tests beside others.

pytest-xdist calls its workers gw0, gw1 and so on. The first of them, and whoever runs alone, has
the network that the files below asterisk/ are written for.
"""

import os

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_WRITTEN = "127.0.77."
_OURS = f"127.0.{77 + _WORKER}."

SIP_PORT = 5060
NETWORK = f"{_OURS}0/24"


def address(number: int) -> str:
    """The address of this number, from 1 to 254, in our network."""
    return f"{_OURS}{number}"


def in_our_network(text: str) -> str:
    """A text that was written for 127.0.77.0/24, with our network in its place."""
    return text.replace(_WRITTEN, _OURS)


def own_name(container: str) -> str:
    """What we call a container of which each process has one."""
    return f"{container}-{_WORKER}" if _WORKER else container
