"""An AmiLine to a server of the test, and what it told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from config.settings import Ami
from daemon.pbx.ami import AmiLine
from daemon.pbx.line import LineState
from daemon.supervise import Pace
from tests.unit.ami_server import SECRET, AmiServer
from tests.unit.waiting import until

EVENTS = ("Newchannel", "Newstate", "Hangup", "Long", "OriginateResponse")


@dataclass
class Told:
    """``on_event`` sees each event first and may raise; ``lost`` counts the ends of the line."""

    events: list[dict[str, str]] = field(default_factory=list)
    lost: int = 0
    on_event: Callable[[Mapping[str, str]], object] = lambda _: None

    def take(self, event: Mapping[str, str]) -> None:
        self.on_event(event)
        self.events.append(dict(event.items()))

    def numbers(self) -> list[str]:
        return [event["Number"] for event in self.events if "Number" in event]

    def lose(self) -> None:
        self.lost += 1


async def _nothing() -> None:
    return


@asynccontextmanager
async def ami_line(
    server: AmiServer,
    told: Told | None = None,
    *,
    secret: str = SECRET,
    take_snapshot: Callable[[AmiLine], Awaitable[None]] | None = None,
    **settings: float,
) -> AsyncIterator[AmiLine]:
    """A running line, with these settings of [ami]; it has tried to connect once, well or not."""
    told = told or Told()
    line = AmiLine(
        Ami.model_validate({"port": server.port, "secret": secret, **settings}),
        event_classes="call,agent",
        events=EVENTS,
        on_event=told.take,
        take_snapshot=lambda: take_snapshot(line) if take_snapshot else _nothing(),
        on_lost=told.lose,
    )
    running = asyncio.create_task(line.run())
    try:
        async with asyncio.timeout(10):
            await line.settled()
        yield line
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until_up(line: AmiLine) -> None:
    await until(lambda: line.status.state is LineState.UP)


def in_no_hurry_after_a_refusal(monkeypatch: pytest.MonkeyPatch, seconds: float = 0.5) -> None:
    """So long instead of ten seconds and more; after other failures it is 0.2 at first."""
    pace = Pace(first=seconds, longest=seconds, jitter=0)
    monkeypatch.setattr("daemon.pbx.line.AFTER_REFUSAL", pace)
