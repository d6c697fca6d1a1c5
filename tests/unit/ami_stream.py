"""AMI bytes as a list of messages, for tests only: as plain as can be."""

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path

RECORDINGS = Path(__file__).parents[1] / "recordings"


def messages(stream: bytes) -> Iterator[dict[str, str]]:
    """Each message of a stream, the greeting left out."""
    for block in stream.decode().replace("\r\n", "\n").split("\n\n"):
        pairs = (line.partition(": ") for line in block.splitlines() if ": " in line)
        message = {key: value for key, _, value in pairs}
        if message:
            yield message


def recorded_events(name: str) -> list[dict[str, str]]:
    """The events of a recording of a real Asterisk."""
    stream = gzip.decompress((RECORDINGS / name).read_bytes())
    return [message for message in messages(stream) if "Event" in message]


def to_bytes(*sent: Mapping[str, str]) -> bytes:
    """Messages as they are on the wire."""
    return b"".join(
        "".join(f"{key}: {value}\r\n" for key, value in message.items()).encode() + b"\r\n"
        for message in sent
    )
