from datetime import UTC, datetime

import pytest

from daemon.calls.model import CallStatus, Channel
from daemon.calls.status import hangup_status

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _leg(originator: bool, *outcomes: str, answered: bool = False) -> Channel:
    leg = Channel(
        uniqueid="1.1",
        name="PJSIP/a-00000001",
        linkedid="1.1",
        call_id="0" * 20,
        leg="1.1",
        originator=originator,
        view=1,
        started=NOW,
    )
    leg.answered = NOW if answered else None
    if originator:
        leg.outcomes = set(outcomes)
    else:
        leg.dial_status = "".join(outcomes)
    return leg


@pytest.mark.parametrize(
    ("dial_status", "status"),
    [
        ("BUSY", CallStatus.BUSY),
        ("NOANSWER", CallStatus.NOANSWER),
        ("CANCEL", CallStatus.CANCEL),
        ("CONGESTION", CallStatus.CONGESTION),
        ("CHANUNAVAIL", CallStatus.CHANUNAVAIL),
        ("ABORT", CallStatus.CANCEL),
        ("ANSWER", CallStatus.ANSWER),
    ],
)
def test_an_unanswered_leg_ends_as_its_dial_did(dial_status: str, status: CallStatus) -> None:
    assert hangup_status(_leg(False, dial_status), 16) is status
    assert hangup_status(_leg(True, dial_status), 16) is status


def test_a_busy_agent_of_a_queue_is_busy_though_its_dial_status_is_noanswer() -> None:
    assert hangup_status(_leg(False, "NOANSWER"), 17) is CallStatus.BUSY
    assert hangup_status(_leg(False, "NOANSWER"), 21) is CallStatus.NOANSWER, "it rang before"


def test_an_answered_leg_ends_as_answered_whatever_the_cause() -> None:
    for originator in (True, False):
        assert hangup_status(_leg(originator, "BUSY", answered=True), 17) is CallStatus.ANSWER


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        (["BUSY", "NOANSWER", "CHANUNAVAIL"], CallStatus.NOANSWER),
        (["CHANUNAVAIL", "BUSY"], CallStatus.BUSY),
        (["CHANUNAVAIL", "CONGESTION"], CallStatus.CONGESTION),
        (["NOANSWER", "CANCEL"], CallStatus.CANCEL),
        (["NONSENSE", "BUSY"], CallStatus.BUSY),
    ],
)
def test_a_dial_of_several_phones_comes_to_the_best_of_them(
    outcomes: list[str], status: CallStatus
) -> None:
    assert hangup_status(_leg(True, *outcomes), 16) is status


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (1, CallStatus.CHANUNAVAIL),
        (17, CallStatus.BUSY),
        (18, CallStatus.NOANSWER),
        (19, CallStatus.NOANSWER),
        (20, CallStatus.CHANUNAVAIL),
        (34, CallStatus.CONGESTION),
        (16, CallStatus.CANCEL),
        (127, CallStatus.CANCEL),
        (None, CallStatus.NOANSWER),
    ],
)
def test_without_a_dial_status_the_cause_decides(cause: int | None, status: CallStatus) -> None:
    assert hangup_status(_leg(True), cause) is status
    assert hangup_status(_leg(False), cause) is status
