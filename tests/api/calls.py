"""Calls and holds that a test sets itself, in the place of those of a PBX."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from daemon.calls.live import LiveCalls
from daemon.calls.model import Flow, HeldBy, OnHold, PhoneCall, PhoneCallView, ViewStatus
from daemon.directory import Directory
from daemon.holds.hold import HoldOutcome
from daemon.holds.holds import Holds
from daemon.pbx.line import PbxUnavailable
from daemon.people import User

PUBLISHED = datetime(2012, 6, 27, 13, 8, 50, tzinfo=UTC)
ANSWERED = PUBLISHED + timedelta(seconds=5)
HELD = OnHold(PUBLISHED + timedelta(minutes=10), HeldBy.UAPID)


def a_view(**fields: Any) -> PhoneCallView:
    """The caller's leg of a conversation from 0003*210 to 0003*024, apart from these fields."""
    leg = PhoneCallView(
        id="01",
        channel="1340802530.1",
        bridge="b1",
        peer="1340802530.2",
        extension="0003*210",
        source=("0003*210",),
        destination=("0003*024",),
        caller_id="John Doe <3333>",
        flow=Flow.LOCAL,
        status=ViewStatus.ON_CALL,
        ringing=None,
        answered=ANSWERED,
        on_hold=None,
        parked=None,
    )
    return replace(leg, **fields)


def a_call(**fields: Any) -> PhoneCall:
    """A conversation from 0003*210 to 0003*024, apart from these fields."""
    callee = a_view(
        id="02",
        channel="1340802530.2",
        peer="1340802530.1",
        extension="0003*024",
        ringing=PUBLISHED,
    )
    call = PhoneCall(
        id="b817d2618fe6f1804333",
        extension="0003*210",
        published=PUBLISHED,
        answered=ANSWERED,
        views=(a_view(), callee),
    )
    return replace(call, **fields)


class CallsInMemory(LiveCalls):
    """The live calls are those in ``now``, oldest first."""

    def __init__(self, directory: Directory, *now: PhoneCall) -> None:
        self.now = list(now)
        self._owners = directory

    def of_extensions(self, extensions: Iterable[str]) -> list[PhoneCall]:
        wanted = set(extensions)
        return [c for c in self.now if any(v.extension in wanted for v in c.views)]

    def usable_by(self, user: User) -> list[PhoneCall]:
        return [c for c in self.now if any(self._may_use(user, v.extension) for v in c.views)]

    def set_on_hold(self, channel: str, on_hold: OnHold | None) -> None:
        """From now on the leg of this channel shows this hold, or none."""
        self.now = [
            replace(
                call,
                views=tuple(
                    replace(view, on_hold=on_hold) if view.channel == channel else view
                    for view in call.views
                ),
            )
            for call in self.now
        ]

    def _may_use(self, user: User, extension: str | None) -> bool:
        return extension is not None and self._owners.people.may_use(user, extension)


class UnreachableCalls(LiveCalls):
    """The PBX is away."""

    def __init__(self) -> None:
        pass

    def of_extensions(self, extensions: Iterable[str]) -> list[PhoneCall]:
        raise PbxUnavailable("the PBX cannot be reached")

    def usable_by(self, user: User) -> list[PhoneCall]:
        raise PbxUnavailable("the PBX cannot be reached")


class BrokenCalls(UnreachableCalls):
    """Has a bug."""

    def of_extensions(self, extensions: Iterable[str]) -> list[PhoneCall]:
        raise RuntimeError("a bug with a secret in it")


class ChosenHolds(Holds):
    """Does what the test says for each request, and keeps in ``asked`` what was asked for.

    ``behave`` is called with "hold" or "resume" and the view. While ``gate`` is not set, every
    request is still at work.
    """

    def __init__(self, behave: Callable[[str, PhoneCallView], HoldOutcome]) -> None:
        self.asked: list[tuple[str, str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.tasks: list[asyncio.Task[HoldOutcome]] = []
        self._behave = behave

    def hold(self, view: PhoneCallView) -> asyncio.Task[HoldOutcome]:
        return self._begin("hold", view)

    def resume(self, view: PhoneCallView) -> asyncio.Task[HoldOutcome]:
        return self._begin("resume", view)

    def _begin(self, what: str, view: PhoneCallView) -> asyncio.Task[HoldOutcome]:
        self.asked.append((what, view.channel))
        task = asyncio.create_task(self._ask(what, view))
        self.tasks.append(task)
        return task

    async def _ask(self, what: str, view: PhoneCallView) -> HoldOutcome:
        await self.gate.wait()
        return self._behave(what, view)
