"""SIPp, and how it and Python talk to each other.

SIPp tells what happens in its calls through its third-party call control: it connects to a TCP
server of ours and sends a message for each event (sendCmd). Python gives orders by SIP requests
within the call, which the scenarios take as what to do next: unlike a command on the TCP line
(recvCmd), one that comes in the middle of an exchange with the PBX does not end the call.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from tests.pbx.addresses import SIP_PORT, own_name
from tests.pbx.asterisk import HOST
from tests.pbx.container import Container
from tests.pbx.letterbox import Letterboxes
from tests.pbx.phonebook import PHONES
from tests.pbx.rtp import Address

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]

# It has SIPp too; one and the same whatever Asterisk the PBX has.
IMAGE = "uapid-test-asterisk:22"

END = b"\x1b"
START_SECONDS = 10.0
STOP_SECONDS = 5.0

_SCENARIOS = Path(__file__).parent / "scenarios"
# SIPp waits for its calls when its line is closed. What ends it at once is the end of its
# standard input, which comes too when our own process dies.
RUN_UNTIL_END_OF_INPUT = """
exec 3<&0
{ read -r _ <&3; kill -9 $$; } >/dev/null 2>&1 &
exec sipp "$@" </dev/null
"""
_JOIN_SCENARIOS = """
cd /scenarios
for name in caller called; do cat $name.xml talking.xml >/tmp/$name.xml || exit 1; done
exec sleep infinity
"""


class PhoneRoom:
    """The container that SIPp runs in; it outlives a PBX that is killed.

    `with PhoneRoom():` starts it and removes it, and every phone in it, at the end. Each phone that
    the PBX knows has a letterbox while it is plugged out.
    """

    letterboxes = Letterboxes()
    container = Container(
        own_name("uapid-test-phones"),
        IMAGE,
        options=(f"--volume={_SCENARIOS}:/scenarios:ro",),
        command=("sh", "-c", _JOIN_SCENARIOS),
    )

    def __enter__(self) -> Self:
        self.container.run()
        for host, _ in PHONES.values():
            self.letterboxes.put_up(host)
        return self

    def __exit__(self, *_: object) -> None:
        self.letterboxes.close()
        self.container.remove()


class Event(NamedTuple):
    """What SIPp tells: the name is the scenario's, the message the SIP message it is about."""

    call_id: str
    name: str
    message: str


class Sipp:
    """One SIPp at an address: `caller` places one call at once, `called` takes any number of them.

    `on_event` is called with each Event in order.
    """

    def __init__(self, scenario: str, address: Address, on_event: Callable[[Event], None]) -> None:
        self._scenario = scenario
        self._address = address
        self._on_event = on_event
        self._orders = socket.socket(type=socket.SOCK_DGRAM)
        self._line: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
        self._process: asyncio.subprocess.Process
        self._tasks: list[asyncio.Task[object]]

    async def start(self, keywords: dict[str, str], call_id: str = "") -> None:
        """Returns when SIPp listens and its line is open.

        `keywords` are the [keywords] of the scenario, `call_id` is that of the call of a caller.
        RuntimeError with what SIPp printed when it ends instead, TimeoutError when it hangs.
        """
        host, port = self._address
        server = await asyncio.start_server(
            lambda *streams: self._line.set_result(streams), host, 0
        )
        self._process = await asyncio.create_subprocess_exec(
            *("docker", "exec", "--interactive", "--workdir=/tmp", PhoneRoom.container.name),
            *("sh", "-c", RUN_UNTIL_END_OF_INPUT, "sipp"),
            *(f"{HOST}:{SIP_PORT}", "-sf", f"/tmp/{self._scenario}.xml"),
            *("-3pcc", "{}:{}".format(*server.sockets[0].getsockname())),
            *("-i", host, "-p", str(port), "-bind_local"),
            *(("-m", "1", "-r", "1000", "-cid_str", call_id) if call_id else ()),
            # No reactions of its own but an answer to OPTIONS, NOTIFY and the like.
            *("-nd", "-aa", "-nostdin"),
            *(part for key, value in keywords.items() for part in ("-key", key, value)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self._process.stderr
        output = asyncio.create_task(self._process.stderr.read())
        ended = asyncio.create_task(self._process.wait())
        self._tasks = [output, ended]
        async with asyncio.timeout(START_SECONDS):
            await asyncio.wait((self._line, ended), return_when=asyncio.FIRST_COMPLETED)
        server.close()
        if not self._line.done():
            await self.close()
            raise RuntimeError(f"SIPp {self._scenario}: {output.result().decode()}")
        self._tasks.append(asyncio.create_task(self._read(*self._line.result())))

    def tell(self, call_id: str, cseq: int, order: str, detail: str = "") -> None:
        """Gives an order to one call: it gets lost when the call is over or in the middle of an
        exchange with the PBX. A request that it makes SIPp send bears the CSeq of the order."""
        request = (
            "MESSAGE sip:phone SIP/2.0",
            f"Via: SIP/2.0/UDP test;branch=z9hG4bK-{call_id}-order-{cseq}",
            "From: <sip:test>;tag=test",
            "To: <sip:phone>",
            f"Call-ID: {call_id}",
            f"CSeq: {cseq} MESSAGE",
            f"Do: {order}",
            f"With: {detail}",
            "Content-Length: 0",
            "\r\n",
        )
        self._orders.sendto("\r\n".join(request).encode(), self._address)

    async def close(self) -> None:
        """Kills SIPp and waits for its end. TimeoutError when it does not come."""
        assert self._process.stdin
        self._orders.close()
        self._process.stdin.close()
        async with asyncio.timeout(STOP_SECONDS):
            await asyncio.gather(*self._tasks)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                told = (await reader.readuntil(END)).decode().strip("\r\n\x1b")
                head, _, message = told.replace("\r\n", "\n").partition("\n\n")
                headers = dict(line.split(": ", 1) for line in head.splitlines())
                self._on_event(Event(headers["Call-ID"], headers["Event"], message))
        writer.close()
