"""A DNS server whose answers a test makes up, and how a process is given it as its only one."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from tests.pbx.addresses import address

ADDRESS = address(53)
PORT = 53  # a resolver's configuration cannot name another one
_HEADER, _FIXED = 12, 4  # bytes before the question, and of type and class after its name
_A, _AAAA = 1, 28
_ANSWER, _NO_SUCH_NAME = 0x8180, 0x8183

# The addresses to answer with, by how often this name and kind of address was asked for before.
Answer = Callable[[int], Sequence[str]]


class NameServer(asyncio.DatagramProtocol):
    """`async with NameServer(answers) as names:` answers for these host names and no others.

    No answer may be remembered. ``asked`` counts the questions for IPv4 addresses by name.
    """

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.asked: Counter[str] = Counter()
        self._answers = answers
        self._counts: Counter[tuple[str, int]] = Counter()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(ADDRESS, PORT))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        end = data.index(0, _HEADER) + 1 + _FIXED
        question = data[_HEADER:end]
        name, type = _name(question), int.from_bytes(question[-4:-2], "big")
        answer = self._answers.get(name)
        addresses = []
        if answer is not None:
            before = self._counts[name, type]
            self._counts[name, type] += 1
            self.asked[name] += type == _A
            addresses = [ip_address(address) for address in answer(before)]
        versions = {_A: 4, _AAAA: 6}
        packed = [each.packed for each in addresses if each.version == versions.get(type)]
        flags = _ANSWER if answer is not None else _NO_SUCH_NAME
        header = b"".join(n.to_bytes(2, "big") for n in (flags, 1, len(packed), 0, 0))
        # The name of the question (a pointer to it), type and class of it, and 0 seconds to live.
        records = (
            b"\xc0\x0c" + question[-4:] + bytes(4) + len(address).to_bytes(2, "big") + address
            for address in packed
        )
        self._transport.sendto(data[:2] + header + question + b"".join(records), peer)


def _name(question: bytes) -> str:
    labels = []
    while length := question[0]:
        labels.append(question[1 : 1 + length].decode())
        question = question[1 + length :]
    return ".".join(labels)


def asking_it(folder: Path) -> list[str]:
    """A command that runs the one after it with this name server alone; for root."""
    files = {
        "resolv.conf": f"nameserver {ADDRESS}\noptions timeout:1 attempts:1\n",
        "nsswitch.conf": "hosts: files dns\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    mounts = " && ".join(f"mount --bind {folder}/{name} /etc/{name}" for name in files)
    return ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh"]
