"""Queues and conferences: each stay is a leg of their extension, which begins and ends once."""

import pytest

from config.settings import Extension
from daemon.calls.tracker import Tracker
from daemon.directory import Directory
from tests.unit.daemon.calls.pbx_script import NODE, UP, Leg, Script
from tests.unit.daemon.people import JOHN, SETTINGS

QUEUE, CONFERENCE = "0003*800", "0003*801"
EXTENSIONS = (
    Extension(number=QUEUE, type="queue", queue="sales"),
    Extension(number=CONFERENCE, type="conference", conference="801"),
)
DIRECTORY = Directory(SETTINGS.model_copy(update={"extensions": EXTENSIONS}), frozenset({JOHN}))


@pytest.fixture
def pbx() -> Script:
    return Script(Tracker(NODE, DIRECTORY))


def _told(pbx: Script, extension: str) -> list[tuple[str, str]]:
    told = [change for change in pbx.told if change.extension == extension]
    return [(change.kind.value, change.status.value) for change in told]


def _snapshot(pbx: Script, leg: Leg, data: str, meanwhile: tuple[str, ...] = ()) -> None:
    pbx.tracker.begin_snapshot()
    for event in meanwhile:
        pbx.fold(event, pbx.channel(leg))
    rows = [pbx.row(leg) | {"ApplicationData": data}]
    pbx.told += pbx.tracker.end_snapshot(rows, [], pbx.now)


def test_who_is_asked_for_a_pin_has_not_joined_the_conference(pbx: Script) -> None:
    john = pbx.place(JOHN, "801", number=JOHN)
    john.state, john.application = UP, "ConfBridge"
    _snapshot(pbx, john, "801,room")
    assert _told(pbx, CONFERENCE) == []
    john.bridge = "b1"
    _snapshot(pbx, john, "801,room")
    assert _told(pbx, CONFERENCE) == [("dial", "CALLING"), ("answer", "ANSWER")]
