"""What the PBX sends to phones that are plugged out.

It repeats an INVITE that nobody answers for up to 32 s (RFC 3261, 17.1.1.2), whatever becomes of
the call. A phone that is plugged in meanwhile is not to take it for a call that begins.
"""

import socket

from tests.pbx.addresses import SIP_PORT
from tests.pbx.sip_message import header_of

_LONGEST = 65_536


class Letterboxes:
    """Sockets at the addresses of phones that are plugged out. Nobody answers there; the kernel
    keeps what comes until the phone is plugged in."""

    def __init__(self) -> None:
        self._boxes: dict[str, socket.socket] = {}

    def put_up(self, host: str) -> None:
        """The phone of this address is plugged out. OSError if it is not."""
        box = self._boxes[host] = socket.socket(type=socket.SOCK_DGRAM)
        box.setblocking(False)
        box.bind((host, SIP_PORT))

    def take_down(self, host: str) -> frozenset[str]:
        """It is plugged in: the Call-IDs of the calls that it has missed, if it had a letterbox."""
        if host not in self._boxes:
            return frozenset()
        with self._boxes.pop(host) as box:
            return frozenset(
                header_of(message, "Call-ID")
                for message in iter(lambda: _next(box), "")
                if message.startswith("INVITE ")
            )

    def close(self) -> None:
        """Takes all of them down."""
        while self._boxes:
            self._boxes.popitem()[1].close()


def _next(box: socket.socket) -> str:
    try:
        return box.recv(_LONGEST).decode()
    except BlockingIOError:
        return ""
