from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from daemon.calls.model import CallStatus, ChangeKind, Direction, Parties
from daemon.events.matching import event_type, form, parameters
from daemon.events.phone_call_events import EventType
from tests.unit.daemon.events.changes import DIAL_IN
from tests.unit.daemon.people import JOHN, MARY


@pytest.mark.parametrize(
    ("kind", "direction", "type"),
    [
        (ChangeKind.DIAL, Direction.IN, EventType.DIAL_IN),
        (ChangeKind.DIAL, Direction.OUT, EventType.DIAL_OUT),
        (ChangeKind.ANSWER, Direction.IN, EventType.ANSWER_IN),
        (ChangeKind.ANSWER, Direction.OUT, EventType.ANSWER_OUT),
        (ChangeKind.HANGUP, Direction.IN, EventType.HANGUP),
        (ChangeKind.HANGUP, Direction.OUT, EventType.HANGUP),
    ],
)
def test_each_change_has_its_documented_type(
    kind: ChangeKind, direction: Direction, type: EventType
) -> None:
    assert event_type(replace(DIAL_IN, kind=kind, direction=direction)) is type


def test_the_types_have_the_documented_numbers() -> None:
    assert [int(type) for type in EventType] == [0, 1, 2, 3, 4]


def test_the_ten_documented_parameters_come_in_the_documented_order() -> None:
    assert list(parameters(DIAL_IN).items()) == [
        ("CallID", "1795295748.1"),
        ("CallerIDNum", MARY),
        ("CallerIDName", "Mary & José"),
        ("CalledDID", ""),
        ("CalledExtension", JOHN),
        ("CallStatus", "CALLING"),
        ("CallFlow", "in"),
        ("CallerExtension", MARY),
        ("CalledNumber", "210"),
        ("CallAPIID", "b817d2618fe6f1804333"),
    ]


def test_what_does_not_apply_is_sent_empty() -> None:
    from_outside = replace(
        DIAL_IN,
        direction=Direction.OUT,
        status=CallStatus.NOANSWER,
        parties=Parties(caller_number="0040", called_number="210"),
    )
    sent = parameters(from_outside)
    assert len(sent) == 10
    assert {name for name, value in sent.items() if value == ""} == {
        "CallerIDName",
        "CalledDID",
        "CalledExtension",
        "CallerExtension",
    }
    assert (sent["CallFlow"], sent["CallStatus"]) == ("out", "NOANSWER")


def test_the_parameters_are_sent_as_a_form_whatever_is_in_them() -> None:
    names = "Mary & José", "a=b+c d%20", "\N{SNOWMAN}\n", ""
    for name in names:
        change = replace(DIAL_IN, parties=replace(DIAL_IN.parties, caller_name=name))
        sent = parse_qsl(form(change), keep_blank_values=True, strict_parsing=True)
        assert sent == list(parameters(change).items())
