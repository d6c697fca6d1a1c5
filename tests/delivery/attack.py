"""Hostile clients of the API, in a process of their own: who measures is not held up.

``python -m tests.delivery.attack KIND HOST PORT CLIENTS`` says {"up": true} when all have begun,
and what came of it when its input ends: a line of JSON each.
"""

import asyncio
import json
import resource
import secrets
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

EXTENSION_CALLS = "/uapi/phoneCalls/@me/0003*1000"
CONNECTING_AT_ONCE = 100
BYTE_SECONDS = 0.1
GUESSES_A_SECOND = 50  # of each client


@dataclass
class Outcome:
    """What came of an attack: connections that were opened and that the daemon closed, and answers
    by their status, without those that came before all had begun."""

    opened: int = 0
    closed: int = 0
    answers: Counter[int] = field(default_factory=Counter)


@asynccontextmanager
async def under_attack(
    kind: str, host: str, port: int, clients: int
) -> AsyncIterator[Callable[[], Awaitable[dict[str, Any]]]]:
    """An attack that is on already; what is given ends it and tells its Outcome."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.delivery.attack", kind, host, str(port), str(clients)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    async def end() -> dict[str, Any]:
        stdin.close()
        outcome: dict[str, Any] = json.loads(await stdout.readline())
        return outcome

    try:
        async with asyncio.timeout(60):
            assert json.loads(await stdout.readline()) == {"up": True}
        yield end
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class Attack:
    """``begun`` is released by each client once it is on."""

    def __init__(self, host: str, port: int) -> None:
        self.outcome = Outcome()
        self.begun = asyncio.Semaphore(0)
        self._address = host, port
        self._connecting = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def slow_loris(self) -> None:
        """Sends a header byte by byte, on one connection after the other."""
        head = f"GET {EXTENSION_CALLS} HTTP/1.1\r\nHost: x\r\nX-Pad: {'x' * 1000}".encode()
        while True:
            with suppress(ConnectionError):
                reader, writer = await self._connect()
                self.begun.release()
                for number in range(len(head)):
                    if reader.at_eof():
                        break
                    writer.write(head[number : number + 1])
                    await writer.drain()
                    await asyncio.sleep(BYTE_SECONDS)
                writer.transport.abort()
            self.outcome.closed += 1

    async def idle(self) -> None:
        """Asks once, and then does nothing with its connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            reader, writer = await self._connect()
            writer.write(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
            await self._take_answer(reader)
            self.begun.release()
            await reader.read()
        self.outcome.closed += 1

    async def guess(self) -> None:
        """Tries one token after the other, at its pace."""
        reader, writer = await self._connect()
        self.begun.release()
        loop = asyncio.get_running_loop()
        at = loop.time()
        while True:
            token = secrets.token_urlsafe(32)
            lines = (f"GET {EXTENSION_CALLS} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}")
            writer.write("\r\n".join((*lines, "", "")).encode())
            await self._take_answer(reader)
            at += 1 / GUESSES_A_SECOND
            await asyncio.sleep(max(0.0, at - loop.time()))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with self._connecting:
            streams = await asyncio.open_connection(*self._address, limit=4096)
        self.outcome.opened += 1
        return streams

    async def _take_answer(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split()[0])
        await reader.readexactly(length)
        self.outcome.answers[int(head.split()[1])] += 1


async def main(kind: str, host: str, port: str, clients: str) -> None:
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    attack = Attack(host, int(port))
    client = {"slow-loris": attack.slow_loris, "idle": attack.idle, "guess": attack.guess}[kind]
    tasks = [asyncio.create_task(client()) for _ in range(int(clients))]
    for _ in tasks:
        await attack.begun.acquire()
    attack.outcome.answers.clear()
    print(json.dumps({"up": True}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(vars(attack.outcome)), flush=True)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
