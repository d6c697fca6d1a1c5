"""Look-ups in threads; the look-up itself is what is faked."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from daemon.events.resolver import ThreadResolver
from tests.unit.cli.commands import ROOT
from tests.unit.waiting import until


class NameServer:
    """Answers 192.0.2.1 for every name; a look-up of ``dead`` hangs until the test is over."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.over = threading.Event()

    def getaddrinfo(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked.append(host)
        if host.startswith("dead"):
            self.over.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", port))]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server.getaddrinfo)
    yield server
    server.over.set()


async def test_a_name_server_that_is_dead_holds_up_no_other_host(names: NameServer) -> None:
    resolver = ThreadResolver(21, 5)
    hanging = [asyncio.create_task(resolver.resolve(f"dead{number}")) for number in range(20)]
    await until(lambda: len(names.asked) == 20)
    async with asyncio.timeout(5):
        (found,) = await resolver.resolve("alive", 80, socket.AF_UNSPEC)
    assert (found["hostname"], found["host"], found["port"]) == ("alive", "192.0.2.1", 80)
    names.over.set()
    await asyncio.gather(*hanging)


async def test_a_look_up_that_was_given_up_counts_until_it_has_ended(names: NameServer) -> None:
    resolver = ThreadResolver(1, 5)
    given_up = asyncio.create_task(resolver.resolve("dead"))
    await until(lambda: names.asked)
    given_up.cancel()
    next_one = asyncio.create_task(resolver.resolve("alive"))
    done, _ = await asyncio.wait({next_one, given_up}, return_when=asyncio.FIRST_COMPLETED)
    assert done == {given_up}
    assert names.asked == ["dead"]
    names.over.set()
    async with asyncio.timeout(5):
        await next_one


async def test_a_look_up_that_takes_too_long_is_told_as_what_it_is(names: NameServer) -> None:
    with pytest.raises(OSError, match=r"no name server has answered in 0\.05 s"):
        await ThreadResolver(1, 0.05).resolve("dead")


async def test_a_name_that_is_none_is_an_error_of_the_look_up() -> None:
    resolver = ThreadResolver(1, 5)
    for name in ("a..b", "x" * 70 + ".example", "name.invalid"):
        with pytest.raises(OSError):
            await resolver.resolve(name, 80, socket.AF_UNSPEC)


async def test_the_scope_of_an_address_stays_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 80, 0, 2)),
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2a00::1", 80, 0, 0)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    found = await ThreadResolver(1, 5).resolve("host", 80, socket.AF_UNSPEC)
    assert [address["host"] for address in found] == ["fe80::1%2", "2a00::1"]


def test_the_end_of_the_process_waits_for_no_look_up() -> None:
    hangs = """
import asyncio, socket, threading, time
from daemon.events.resolver import ThreadResolver

asked = threading.Event()

def getaddrinfo(*_, **__):
    asked.set()
    time.sleep(600)

async def main():
    look_up = asyncio.create_task(ThreadResolver(1, 5).resolve("dead"))
    while not asked.is_set():
        await asyncio.sleep(0.01)
    look_up.cancel()

socket.getaddrinfo = getaddrinfo
asyncio.run(main())
print("over")
"""
    ended = subprocess.run(
        [sys.executable, "-c", hangs], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "over\n", "")
