"""A recorded AMI stream, sent to whoever connects as fast as it is read.

A process of its own, so that it does not take time of the reader's core.
"""

import gzip
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaying(recording: Path) -> Iterator[int]:
    """The port at which this recording is sent on each connection."""
    command = [sys.executable, "-m", __spec__.name, str(recording)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.terminate()


def _serve(recording: Path) -> None:
    stream = gzip.decompress(recording.read_bytes())
    with socket.create_server(("127.0.0.1", 0)) as door:
        print(door.getsockname()[1], flush=True)
        while True:
            reader, _ = door.accept()
            with reader:
                reader.sendall(stream)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
