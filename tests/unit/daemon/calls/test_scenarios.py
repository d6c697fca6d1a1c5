"""What apps are told of calls, and in which order."""

import pytest

from daemon.calls.model import CallStatus, Parties
from tests.unit.daemon.calls.pbx_script import Script
from tests.unit.daemon.people import JOHN, MARY, RECEPTION

PUBLIC = "0040210000000"


@pytest.mark.parametrize("caller_first", [True, False])
def test_a_local_call_that_was_answered(caller_first: bool) -> None:
    pbx = Script()
    john = pbx.place(JOHN, "220", number=JOHN, name="John")
    assert pbx.stories() == [("dial", JOHN, "out", "CALLING")]
    mary = pbx.dial(john, MARY)
    assert pbx.stories()[1:] == [("dial", MARY, "in", "CALLING")]
    pbx.ring(john, mary)
    assert len(pbx.told) == 2
    pbx.answer(john, mary)
    assert pbx.stories()[2:] == [
        ("answer", MARY, "in", "ANSWER"),
        ("answer", JOHN, "out", "ANSWER"),
    ]
    pbx.hang_up(*((john, mary) if caller_first else (mary, john)))
    ends = [("hangup", JOHN, "out", "ANSWER"), ("hangup", MARY, "in", "ANSWER")]
    assert pbx.stories()[4:] == (ends if caller_first else ends[::-1])
    assert {change.call_id for change in pbx.told} == {pbx.told[0].call_id}
    assert {change.parties for change in pbx.told} == {
        Parties(
            caller_number=JOHN,
            caller_name="John",
            caller_extension=JOHN,
            called_number="220",
            called_extension=MARY,
        )
    }
    assert list(pbx.tracker.live.calls()) == []
    assert pbx.tracker.live.calls_of(JOHN) == pbx.tracker.live.calls_of(MARY) == []
    assert pbx.tracker.live.bridge_members("b1") == frozenset()


@pytest.mark.parametrize(
    ("dial_status", "cause", "status"),
    [
        ("BUSY", "17", "BUSY"),
        ("NOANSWER", "16", "NOANSWER"),
        ("CANCEL", "26", "CANCEL"),
        ("CHANUNAVAIL", "20", "CHANUNAVAIL"),
        ("CONGESTION", "34", "CONGESTION"),
    ],
)
def test_a_call_that_was_not_answered_ends_alike_on_both_sides(
    dial_status: str, cause: str, status: str
) -> None:
    pbx = Script()
    john = pbx.place(JOHN, "220", number=JOHN)
    mary = pbx.dial(john, MARY)
    pbx.ring(john, mary)
    pbx.dial_end(john, mary, dial_status)
    pbx.hang_up(mary, john, cause=cause)
    assert pbx.stories()[2:] == [("hangup", MARY, "in", status), ("hangup", JOHN, "out", status)]
    assert list(pbx.tracker.live.calls()) == []


def test_a_number_that_does_not_exist_ends_with_its_cause() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "777", number=JOHN)
    pbx.hang_up(john, cause="1")
    assert pbx.stories() == [
        ("dial", JOHN, "out", "CALLING"),
        ("hangup", JOHN, "out", "CHANUNAVAIL"),
    ]
    assert pbx.told[0].parties.called_extension == ""


def test_a_phone_that_dialled_nothing_is_told_of_nowhere() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "s", number=JOHN)
    pbx.hang_up(john)
    assert pbx.told == []


def test_in_a_ring_group_one_answers_and_the_others_end() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "600", number=JOHN)
    mary, reception = pbx.dial(john, MARY), pbx.dial(john, "reception")
    pbx.ring(john, mary)
    pbx.ring(john, reception)
    assert [story[:2] for story in pbx.stories()] == [
        ("dial", JOHN),
        ("dial", MARY),
        ("dial", RECEPTION),
    ]
    pbx.answer(john, reception)
    pbx.dial_end(john, mary, "CANCEL")
    pbx.hang_up(mary, cause="26")
    pbx.hang_up(reception, john)
    assert pbx.stories()[3:] == [
        ("answer", RECEPTION, "in", "ANSWER"),
        ("answer", JOHN, "out", "ANSWER"),
        ("hangup", MARY, "in", "CANCEL"),
        ("hangup", RECEPTION, "in", "ANSWER"),
        ("hangup", JOHN, "out", "ANSWER"),
    ]
    assert pbx.told[-1].parties.called_extension == RECEPTION
    assert pbx.told[-1].parties.called_number == "600"


def test_in_a_ring_group_that_nobody_answers_the_caller_gets_the_best_outcome() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "600", number=JOHN)
    mary, reception = pbx.dial(john, MARY), pbx.dial(john, "reception")
    pbx.dial_end(john, mary, "BUSY")
    pbx.hang_up(mary, cause="17")
    pbx.ring(john, reception)
    pbx.dial_end(john, reception, "NOANSWER")
    pbx.hang_up(reception, john)
    assert pbx.stories()[3:] == [
        ("hangup", MARY, "in", "BUSY"),
        ("hangup", RECEPTION, "in", "NOANSWER"),
        ("hangup", JOHN, "out", "NOANSWER"),
    ]


def test_a_call_from_a_trunk_tells_the_did() -> None:
    pbx = Script()
    trunk = pbx.place("trunk", "0213334444", number=PUBLIC, name="Ana")
    john = pbx.dial(trunk, JOHN)
    pbx.ring(trunk, john)
    pbx.answer(trunk, john)
    pbx.hang_up(john, trunk)
    of_john = [change for change in pbx.told if change.extension == JOHN]
    assert [change.kind.value for change in of_john] == ["dial", "answer", "hangup"]
    assert {change.parties for change in of_john} == {
        Parties(
            caller_number=PUBLIC,
            caller_name="Ana",
            called_number="0213334444",
            called_extension=JOHN,
            called_did="0213334444",
        )
    }
    assert {change.extension for change in pbx.told} == {JOHN, None}


def test_a_call_to_a_trunk_tells_the_number_that_was_dialled() -> None:
    pbx = Script()
    john = pbx.place(JOHN, PUBLIC, number=JOHN)
    trunk = pbx.dial(john, "trunk")
    pbx.ring(john, trunk)
    pbx.answer(john, trunk)
    pbx.hang_up(trunk, john)
    of_john = [change for change in pbx.told if change.extension == JOHN]
    assert [change.kind.value for change in of_john] == ["dial", "answer", "hangup"]
    assert {change.parties for change in of_john} == {
        Parties(caller_number=JOHN, caller_extension=JOHN, called_number=PUBLIC)
    }


def test_legs_behind_local_channels_are_told_as_if_dialled_directly() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "220", number=JOHN)
    local = pbx.dial(john, "Local/220@internal-00000001;1")
    other_end = pbx.dial(local, "Local/220@internal-00000001;2")
    mary = pbx.dial(other_end, MARY)
    pbx.ring(other_end, mary)
    pbx.answer(other_end, mary, bridge="b2")
    pbx.answer(john, local, bridge="b1")
    assert pbx.stories() == [
        ("dial", JOHN, "out", "CALLING"),
        ("dial", MARY, "in", "CALLING"),
        ("answer", MARY, "in", "ANSWER"),
        ("answer", JOHN, "out", "ANSWER"),
    ]
    assert pbx.told[1].parties.caller_extension == JOHN
    assert [view.extension for view in pbx.views(john)] == [JOHN, MARY]
    pbx.hang_up(mary, other_end, local, john)
    assert list(pbx.tracker.live.calls()) == []
    assert (
        pbx.tracker.live.bridge_members("b1")
        == pbx.tracker.live.bridge_members("b2")
        == frozenset()
    )


def test_unknown_events_change_nothing() -> None:
    pbx = Script()
    pbx.talk(JOHN, "220", MARY)
    before = len(pbx.told)
    assert pbx.fold("VarSet", {"Variable": "X"}) == []
    assert pbx.fold("DeviceStateChange", {"Device": "PJSIP/a", "State": "INUSE"}) == []
    assert len(pbx.told) == before


def test_an_event_that_repeats_is_told_once() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    before = len(pbx.told)
    pbx.fold("Newstate", pbx.channel(mary))
    pbx.fold("DialBegin", pbx.dialling(john, mary))
    pbx.enter(mary, "b1")
    assert len(pbx.told) == before
    pbx.hang_up(mary)
    pbx.hang_up(mary)
    ends = [change for change in pbx.told if change.status is CallStatus.ANSWER]
    assert [change.kind.value for change in ends].count("hangup") == 1


def test_a_ringing_that_overtakes_the_begin_of_its_dial_still_tells_who_calls() -> None:
    # On a busy Asterisk the Newstate of the ringing phone comes first in one call of twenty.
    pbx = Script()
    trunk = pbx.place("trunk", "0213334444", number=PUBLIC)
    john = pbx.dial(trunk, JOHN, begin=False)
    pbx.ring(trunk, john)
    pbx.fold("DialBegin", pbx.dialling(trunk, john))
    (dial,) = (change for change in pbx.told if change.extension == JOHN)
    assert dial.parties == Parties(
        caller_number=PUBLIC,
        called_number="0213334444",
        called_extension=JOHN,
        called_did="0213334444",
    )


def test_an_event_from_before_does_not_take_a_leg_back_to_the_call_that_it_has_left() -> None:
    pbx = Script()
    john, mary = pbx.place(JOHN, "700", number=JOHN), pbx.place(MARY, "700", number=MARY)
    for leg in (mary, john):
        pbx.fold("BridgeEnter", pbx.channel(leg) | {"BridgeUniqueid": "b1", "BridgeType": "basic"})
    joined = pbx.views(john)
    assert [view.channel for view in joined] == [john.uniqueid, mary.uniqueid]
    pbx.fold("NewConnectedLine", pbx.channel(mary))  # with the Linkedid that she had
    assert pbx.views(john) == joined
