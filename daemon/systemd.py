"""Tells systemd how the service stands (sd_notify(3)); does nothing when not started by it."""

import os
import socket
import time
from contextlib import suppress


def notify(state: str) -> None:
    """Send e.g. ``READY=1`` or ``STOPPING=1`` to the socket that $NOTIFY_SOCKET names."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect(address)
        channel.sendall(state.encode())


def notify_reloading() -> None:
    """Say that settings are being read again; READY=1 is to follow."""
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")


def notify_status(text: str) -> None:
    """Send what ``systemctl status`` is to show beside the state."""
    # Each line of a notification is a statement of its own, and nobody else may make one.
    notify(f"STATUS={' '.join(text.split())}")
