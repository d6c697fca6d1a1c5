"""Queues and conferences: each stay is a leg of their extension, which begins and ends once."""

import pytest

from config.people import Extension
from daemon.calls.snapshot import Listing
from daemon.calls.tracker import Tracker
from daemon.directory import Directory
from tests.unit.daemon.calls.pbx_script import NODE, UP, Leg, Script, copies
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


def _queue(pbx: Script, event: str, leg: Leg) -> None:
    pbx.fold(event, pbx.channel(leg) | {"Queue": "sales"})


def _told(pbx: Script, extension: str) -> list[tuple[str, str]]:
    told = [change for change in pbx.told if change.extension == extension]
    return [(change.kind.value, change.status.value) for change in told]


def _snapshot(pbx: Script, leg: Leg, data: str, meanwhile: tuple[str, ...] = ()) -> None:
    pbx.tracker.begin_snapshot()
    for event in meanwhile:
        pbx.fold(event, pbx.channel(leg))
    rows = [pbx.row(leg) | {"ApplicationData": data}]
    pbx.told += pbx.tracker.end_snapshot(Listing(rows), pbx.now)


def test_who_is_asked_for_a_pin_has_not_joined_the_conference(pbx: Script) -> None:
    john = pbx.place(JOHN, "801", number=JOHN)
    john.state, john.application = UP, "ConfBridge"
    _snapshot(pbx, john, "801,room")
    assert _told(pbx, CONFERENCE) == []
    john.bridge = "b1"
    _snapshot(pbx, john, "801,room")
    assert _told(pbx, CONFERENCE) == [("dial", "CALLING"), ("answer", "ANSWER")]


def test_a_stay_that_has_ended_does_not_end_again(pbx: Script) -> None:
    john = pbx.place(JOHN, "800", number=JOHN)
    for event in ("QueueCallerJoin", "QueueCallerLeave", "AgentComplete"):
        _queue(pbx, event, john)
    pbx.fold("NewConnectedLine", pbx.channel(john))
    pbx.hang_up(john)
    assert [kind for kind, _ in _told(pbx, QUEUE)] == ["dial", "hangup"]


def test_who_left_the_queue_before_the_line_was_lost_may_have_been_answered(pbx: Script) -> None:
    john = pbx.place(JOHN, "800", number=JOHN)
    _queue(pbx, "QueueCallerJoin", john)
    _queue(pbx, "QueueCallerLeave", john)
    john.state, john.application, john.bridge = UP, "Queue", "b1"
    _snapshot(pbx, john, "sales", meanwhile=("NewConnectedLine",))
    assert _told(pbx, QUEUE) == [("dial", "CALLING"), ("answer", "ANSWER")]


def test_a_late_event_of_a_queue_brings_nobody_back(pbx: Script) -> None:
    john = pbx.place(JOHN, "800", number=JOHN)
    _queue(pbx, "QueueCallerJoin", john)
    pbx.hang_up(john)
    _queue(pbx, "QueueCallerJoin", john)
    assert pbx.tracker.live.visits() == []
    assert list(pbx.tracker.live.calls()) == []


def test_a_local_channel_that_ended_while_the_daemon_was_away_is_in_no_queue(pbx: Script) -> None:
    half = pbx.place("Local/800@internal-00000001;2", "800")
    _queue(pbx, "QueueCallerJoin", half)
    tracker = Tracker(NODE, DIRECTORY)
    tracker.remember(copies(pbx.tracker.live.calls()))
    after = Script(tracker, after=pbx)
    after.snapshot()
    assert [kind for kind, _ in _told(after, QUEUE)] == ["hangup"]
    assert list(tracker.live.calls()) == []


def test_a_caller_whose_coming_was_missed_is_in_the_queue_when_its_list_comes_late(
    pbx: Script,
) -> None:
    john = pbx.place(JOHN, "800", number=JOHN)
    john.application = "Queue"
    _snapshot(pbx, john, "sales", meanwhile=("NewConnectedLine",))
    assert _told(pbx, QUEUE) == [("dial", "CALLING")]
