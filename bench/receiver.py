"""An app's server that answers 200 at once to whatever comes, and does nothing else.

A process of its own, so that it does not take time of the sender's core. It speaks just enough
HTTP/1.1 for what is sent here: requests with Content-Length, or without a body.
"""

import re
import selectors
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def receiving() -> Iterator[int]:
    """The port at which it receives."""
    command = [sys.executable, "-m", __spec__.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.terminate()


def _serve() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door, selectors.DefaultSelector() as selector:
        print(door.getsockname()[1], flush=True)
        selector.register(door, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is door:
                    app, _ = door.accept()
                    selector.register(app, selectors.EVENT_READ, _Conversation(app))
                elif not key.data.go_on():
                    selector.unregister(key.fileobj)


class _Conversation:
    def __init__(self, app: socket.socket) -> None:
        self._app = app
        self._came = b""

    def go_on(self) -> bool:
        """Answer what has come; False if the other side has closed."""
        read = self._app.recv(1 << 16)
        self._came += read
        while (end := self._end_of_request()) and len(self._came) >= end:
            self._came = self._came[end:]
            self._app.sendall(_ANSWER)
        if not read:
            self._app.close()
        return bool(read)

    def _end_of_request(self) -> int | None:
        head = self._came.find(b"\r\n\r\n") + 4
        if head < 4:
            return None
        length = _LENGTH.search(self._came, 0, head)
        return head + (int(length[1]) if length else 0)


if __name__ == "__main__":
    _serve()
