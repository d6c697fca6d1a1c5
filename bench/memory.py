"""Resident memory of the real daemon: idle, for each live call, and both after 100,000 calls.

`uapid serve` runs beside an AMI and an ARI that the bench plays, with its store and its log. What
is measured is VmRSS, so what the allocator keeps back is in it. A live call's share is the
difference that 10,000 of them make to a daemon that was idle. As the memory of so many calls is not
given back to the system, each daemon has them once: one right after its start, the other after
100,000 calls have passed, of which 100 were live at a time.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.calls import Calls
from bench.daemon import running_daemon
from tests.pbx.uapid import Uapid
from tests.unit.ami_server import AmiServer

LIVE = 10_000
PASSED, AT_A_TIME = 100_000, 100
IDLE_TARGET, CALL_TARGET, BACK_TARGET = 60e6, 6e3, 1.1


def main() -> None:
    asyncio.run(_measure())


async def _measure() -> None:
    async with _daemon() as daemon:
        idle = daemon.resident
        call = await daemon.of_a_live_call()
    print(f"memory, idle daemon: {idle / 1e6:.1f} MB (target at most {IDLE_TARGET / 1e6:.0f})")
    print(f"memory, live two-party call: {call / 1e3:.2f} kB (target at most {CALL_TARGET / 1e3})")
    async with _daemon() as daemon:
        idle = daemon.resident
        await daemon.pass_calls(PASSED)
        idle_after = daemon.resident
        call_after = await daemon.of_a_live_call()
    for what, after, before in (
        ("idle daemon", idle_after, idle),
        ("live two-party call", call_after, call),
    ):
        print(
            f"memory, {what} after {PASSED:,} calls, against before: {after:,.0f} bytes, "
            f"{before:,.0f} before: ratio {after / before:.2f} (target at most {BACK_TARGET})"
        )


class _Daemon:
    """A daemon that runs, and the PBX that tells it of calls."""

    def __init__(self, pbx: AmiServer, uapid: Uapid, store: sqlite3.Connection) -> None:
        self._pbx = pbx
        self._uapid = uapid
        self._store = store
        self._calls = Calls()
        self._begun = 0

    @property
    def resident(self) -> int:
        return self._uapid.resident

    async def of_a_live_call(self) -> float:
        """Bytes that it takes for each of LIVE calls."""
        before = self.resident
        for live in range(0, LIVE, AT_A_TIME):
            await self._begin(live)
        return (self.resident - before) / LIVE

    async def pass_calls(self, count: int) -> None:
        """So many calls begin, are answered and end, AT_A_TIME together."""
        for _ in range(0, count, AT_A_TIME):
            ending = range(self._begun, self._begun + AT_A_TIME)
            await self._begin(live=0)
            self._pbx.send_bytes(b"".join(map(self._calls.end, ending)))
            await self._until_stored(0)

    async def _begin(self, live: int) -> None:
        beginning = range(self._begun, self._begun + AT_A_TIME)
        self._begun += AT_A_TIME
        self._pbx.send_bytes(b"".join(map(self._calls.begin, beginning)))
        await self._until_stored(live + AT_A_TIME)

    async def _until_stored(self, live: int) -> None:
        """Wait until the daemon has so many live calls, and has written them down."""
        question = "SELECT count(*) FROM live_calls"
        while self._store.execute(question).fetchone() != (live,):
            await asyncio.sleep(0.005)


@asynccontextmanager
async def _daemon() -> AsyncIterator[_Daemon]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        async with running_daemon(folder) as (pbx, uapid):
            with closing(sqlite3.connect(folder / "uapid.sqlite")) as store:
                yield _Daemon(pbx, uapid, store)


if __name__ == "__main__":
    main()
