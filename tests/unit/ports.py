"""Ports of this machine that nobody listens on."""

import socket


def free_port(host: str = "127.0.0.1") -> int:
    with socket.create_server((host, 0)) as door:
        port: int = door.getsockname()[1]
        return port
