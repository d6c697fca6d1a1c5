"""To ask for one extension costs the same, however many there are beside it."""

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

import pytest

from config.people import Organization, User
from config.settings import Settings
from daemon.calls.live import LiveCalls
from daemon.calls.tracker import Tracker
from daemon.directory import Directory
from daemon.pbx_names import Kind
from daemon.people import User as Person
from tests.unit.daemon.calls.pbx_script import Script, held_by_phone

FEW, MANY = 2, 300
JOHN = "0000*100"


def with_organizations(count: int) -> Directory:
    """So many organizations, each with one user, two endpoints and a queue."""
    prefixes = [f"{number:04}" for number in range(count)]
    settings = Settings(
        organizations=tuple(
            Organization(id=prefix, name="o", prefix=prefix) for prefix in prefixes
        ),
        users=tuple(
            User(
                id=number,
                name="u",
                organization=prefix,
                extensions=(f"{prefix}*100", f"_{prefix}*2XX"),
            )
            for number, prefix in enumerate(prefixes)
        ),
    )
    known = Directory(
        settings, [f"{prefix}*{short}" for prefix in prefixes for short in (100, 200)]
    )
    known.learn(Kind.QUEUE, [f"{prefix}*700" for prefix in prefixes])
    return known


def steps(work: Callable[[], object]) -> int:
    """How many lines and calls of Python the work takes."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> object:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        work()
    finally:
        sys.settrace(before)
    return count


QUESTIONS: dict[str, Callable[[Directory], object]] = {
    "exists": lambda known: known.exists("0000*200"),
    "does not exist": lambda known: known.exists("0000*299"),
    "short form": lambda known: known.find("200", known.user(0)),
    "short form of nothing": lambda known: known.find("299", known.user(0)),
    "owner": lambda known: known.owner("0000*200"),
    "nobody's": lambda known: known.owner("9999*200"),
    "phone": lambda known: known.of_channel("PJSIP/0000*200-00000001"),
    "trunk": lambda known: known.of_channel("PJSIP/trunk-00000001"),
    "queue": lambda known: known.of_queue("0000*700"),
    "context": lambda known: known.of_context("0000*700"),
    "dialled": lambda known: known.of_number("0213334444", JOHN),
    "may use": lambda known: known.people.may_use(_user(known), "0000*200"),
}


@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_the_others_in_the_directory_cost_nothing(ask: Callable[[Directory], object]) -> None:
    few, many = (with_organizations(count) for count in (FEW, MANY))
    assert ask(few) == ask(many)
    assert steps(lambda: ask(few)) == steps(lambda: ask(many))


def test_the_calls_of_others_cost_nothing() -> None:
    counts = []
    for others in (FEW, MANY):
        known = with_organizations(MANY)
        script = Script(Tracker("pbx", known))
        calls = LiveCalls(script.tracker.live, known, held_by_phone, lambda: None)
        for number in range(others):
            script.place(f"{number:04}*100", "200")
        user = _user(known)
        assert len(calls.usable_by(user)) == 1
        counts.append(steps(partial(calls.usable_by, user)))
    assert counts[0] == counts[1]


def _user(known: Directory) -> Person:
    user = known.user(0)
    assert user is not None
    return user
