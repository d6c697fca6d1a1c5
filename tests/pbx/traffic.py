"""Many calls a second through the PBX, by the scenarios that SIPp has of its own."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.pbx.addresses import SIP_PORT
from tests.pbx.asterisk import HOST
from tests.pbx.sipp import RUN_UNTIL_END_OF_INPUT, PhoneRoom

# SIPp's phone that is called waits so long, after its last call, for what may come late.
LINGER_SECONDS = 4.0
START_SECONDS = 10.0


def in_proc(host: str, port: int) -> str:
    """An address as the files of /proc/net have it."""
    first, second, third, fourth = map(int, host.split("."))
    return f"{fourth:02X}{third:02X}{second:02X}{first:02X}:{port:04X}"


async def place_calls(
    number: str, caller: str, called: str, *, count: int, rate: int, talk: float
) -> None:
    """Places so many calls to a number, ``rate`` of them a second, each ``talk`` seconds long.

    ``caller`` and ``called`` are addresses of phones; the called one answers at once, the caller
    hangs up. Returns when all are over. RuntimeError with what SIPp said when one of them failed.
    """
    with _plugged_in(caller, called):
        called_phone = await _sipp("-sn", "uas", "-i", called, "-m", str(count))
        try:
            await _until_it_listens(called)
            caller_phone = await _sipp(
                *("-sn", "uac", "-s", number, "-i", caller),
                *("-m", str(count), "-r", str(rate), "-d", f"{talk * 1000:.0f}"),
            )
            try:
                await _success(caller_phone, count / rate + talk)
            finally:
                await _end(caller_phone)
            await _success(called_phone, LINGER_SECONDS)
        finally:
            await _end(called_phone)


@contextmanager
def _plugged_in(*hosts: str) -> Iterator[None]:
    for host in hosts:
        PhoneRoom.letterboxes.take_down(host)
    try:
        yield
    finally:
        for host in hosts:
            PhoneRoom.letterboxes.put_up(host)


async def _sipp(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *("docker", "exec", "--interactive", "--workdir=/tmp", PhoneRoom.container.name),
        *("sh", "-c", RUN_UNTIL_END_OF_INPUT, "sipp"),
        *(f"{HOST}:{SIP_PORT}", *arguments, "-p", str(SIP_PORT), "-bind_local", "-nostdin"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


async def _until_it_listens(host: str) -> None:
    async with asyncio.timeout(START_SECONDS):
        while not _listens(host):
            await asyncio.sleep(0.02)


def _listens(host: str) -> bool:
    return f" {in_proc(host, SIP_PORT)} " in Path("/proc/net/udp").read_text()


async def _success(process: asyncio.subprocess.Process, seconds: float) -> None:
    """Waits for the good end of what should take so long."""
    assert process.stderr
    async with asyncio.timeout(seconds + 10):
        said = await process.stderr.read()
        status = await process.wait()
    if status:
        raise RuntimeError(f"SIPp ended with status {status}: {said.decode()}")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends it at once, if it has not ended by itself."""
    assert process.stdin
    with suppress(ConnectionError):
        process.stdin.close()
    await process.wait()
