"""Queues, conferences and IVRs are told of each caller as of a leg of their own."""

from dataclasses import replace

import pytest

from daemon.calls.model import Parties, Seen
from daemon.calls.snapshot import Listing
from tests.unit.daemon.calls.pbx_script import UP, Leg, Script
from tests.unit.daemon.people import JOHN, MARY, MENU, QUEUE, ROOM

PUBLIC = "0040210000000"
SALES = {"Queue": "sales"}


def _of(pbx: Script, extension: str) -> list[tuple[str, str]]:
    """What happened to the extension's legs, and their status."""
    return [(c.kind.value, c.status.value) for c in pbx.told if c.extension == extension]


def _caller(pbx: Script, exten: str) -> Leg:
    """John's phone has called, and the PBX has answered."""
    john = pbx.place(JOHN, exten, number=JOHN)
    john.state = UP
    pbx.fold("Newstate", pbx.channel(john))
    return john


def _waiting(pbx: Script) -> Leg:
    john = _caller(pbx, QUEUE)
    pbx.fold("QueueCallerJoin", pbx.channel(john) | SALES)
    return john


def _served(pbx: Script) -> tuple[Leg, Leg]:
    john = _waiting(pbx)
    mary = pbx.dial(john, MARY)
    pbx.ring(john, mary)
    pbx.answer(john, mary)
    pbx.fold("QueueCallerLeave", pbx.channel(john) | SALES)
    pbx.fold("AgentConnect", pbx.dialling(john, mary) | SALES)
    return john, mary


def test_a_queue_is_told_when_a_caller_comes_is_served_and_goes() -> None:
    pbx = Script()
    john, mary = _served(pbx)
    assert _of(pbx, QUEUE) == [("dial", "CALLING"), ("answer", "ANSWER")]
    pbx.fold("AgentComplete", pbx.dialling(john, mary) | SALES)
    pbx.hang_up(mary, john)
    assert _of(pbx, QUEUE)[2:] == [("hangup", "ANSWER")]
    of_queue = [change for change in pbx.told if change.extension == QUEUE]
    assert {change.parties for change in of_queue} == {
        Parties(
            caller_number=JOHN,
            caller_extension=JOHN,
            called_number=QUEUE,
            called_extension=QUEUE,
        )
    }
    assert {change.channel for change in of_queue} == {john.uniqueid}
    assert {change.call_id for change in of_queue} == {pbx.told[0].call_id}
    assert {change.direction.value for change in of_queue} == {"in"}


def test_an_agent_complete_without_its_channels_is_made_up_for_by_the_hangup() -> None:
    pbx = Script()
    john, mary = _served(pbx)
    pbx.fold("AgentComplete", SALES | {"Reason": "agent"})
    pbx.hang_up(mary, john)
    assert _of(pbx, QUEUE)[2:] == [("hangup", "ANSWER")]


def test_a_caller_who_gives_up_has_cancelled() -> None:
    pbx = Script()
    john = _waiting(pbx)
    pbx.fold("HangupRequest", pbx.channel(john))
    pbx.fold("QueueCallerAbandon", pbx.channel(john) | SALES)
    assert _of(pbx, QUEUE) == [("dial", "CALLING"), ("hangup", "CANCEL")]
    pbx.fold("QueueCallerLeave", pbx.channel(john) | SALES)
    pbx.hang_up(john)
    assert len(_of(pbx, QUEUE)) == 2


def test_a_caller_whose_time_is_over_was_not_answered() -> None:
    pbx = Script()
    john = _waiting(pbx)
    pbx.fold("QueueCallerAbandon", pbx.channel(john) | SALES)
    pbx.fold("QueueCallerLeave", pbx.channel(john) | SALES)
    assert _of(pbx, QUEUE) == [("dial", "CALLING"), ("hangup", "NOANSWER")]


@pytest.mark.parametrize("next_event", ["NewConnectedLine", "Hangup"])
def test_a_caller_who_leaves_by_pressing_a_key_was_not_answered(next_event: str) -> None:
    pbx = Script()
    john = _waiting(pbx)
    pbx.fold("QueueCallerLeave", pbx.channel(john) | SALES)
    assert _of(pbx, QUEUE) == [("dial", "CALLING")], "AgentConnect may come next"
    pbx.fold(next_event, pbx.channel(john))
    assert _of(pbx, QUEUE)[1:] == [("hangup", "NOANSWER")]


def test_a_caller_who_is_gone_while_waiting_has_cancelled() -> None:
    pbx = Script()
    john = _waiting(pbx)
    pbx.hang_up(john)
    assert _of(pbx, QUEUE) == [("dial", "CALLING"), ("hangup", "CANCEL")]


def test_a_queue_that_is_no_extension_is_told_of_nothing() -> None:
    pbx = Script()
    john = _caller(pbx, "0003*899")
    for event in ("QueueCallerJoin", "QueueCallerAbandon", "QueueCallerLeave", "AgentComplete"):
        pbx.fold(event, pbx.channel(john) | {"Queue": "support"})
    pbx.hang_up(john)
    assert {change.extension for change in pbx.told} == {JOHN}


def test_a_call_is_listed_for_the_queue_as_long_as_it_is_there() -> None:
    pbx = Script()
    john = _waiting(pbx)
    (call,) = pbx.tracker.live.calls_of(QUEUE)
    assert call.linkedid == john.linkedid
    pbx.fold("QueueCallerAbandon", pbx.channel(john) | SALES)
    assert pbx.tracker.live.calls_of(QUEUE) == []


def test_a_conference_is_told_of_each_participant() -> None:
    pbx = Script()
    john = _caller(pbx, ROOM)
    trunk = pbx.place("trunk", "0213334444", number=PUBLIC, name="Ana")
    for leg in (john, trunk):
        pbx.fold("ConfbridgeJoin", pbx.channel(leg) | {"Conference": "850"})
    for leg in (john, trunk):
        pbx.fold("ConfbridgeLeave", pbx.channel(leg) | {"Conference": "850"})
        pbx.hang_up(leg)
    told = [change for change in pbx.told if change.extension == ROOM]
    for leg in (john, trunk):
        kinds = [change.kind.value for change in told if change.channel == leg.uniqueid]
        assert kinds == ["dial", "answer", "hangup"]
    assert told[-1].parties == Parties(
        caller_number=PUBLIC,
        caller_name="Ana",
        called_number="0213334444",
        called_extension=ROOM,
        called_did="0213334444",
    )


def test_a_participant_talks_with_the_conference() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    for leg in (john, mary):
        pbx.leave(leg)
        pbx.fold("ConfbridgeJoin", pbx.channel(leg) | {"Conference": "850"})
        pbx.enter(leg, "room", type="base")
    assert [view.destination for view in pbx.views(john)] == [(ROOM,), (ROOM,)]
    assert [view.source for view in pbx.views(john)] == [(JOHN,), (MARY,)]


def test_an_ivr_begins_with_its_context_and_ends_with_another() -> None:
    pbx = Script()
    john = pbx.place(JOHN, MENU, number=JOHN)
    john.context, john.exten = "menu", "s"
    pbx.fold("Newexten", pbx.channel(john))
    assert _of(pbx, MENU) == [("dial", "CALLING")]
    john.state = UP
    pbx.fold("Newstate", pbx.channel(john))
    pbx.fold("Newexten", pbx.channel(john))
    assert _of(pbx, MENU)[1:] == [("answer", "ANSWER")]
    john.context, john.exten = "internal", MARY
    pbx.fold("Newexten", pbx.channel(john))
    assert _of(pbx, MENU)[2:] == [("hangup", "ANSWER")]
    pbx.hang_up(john)
    assert len(_of(pbx, MENU)) == 3


def test_a_queue_within_an_ivr_is_left_before_it() -> None:
    pbx = Script()
    john = _caller(pbx, MENU)
    john.context, john.exten = "menu", "1"
    pbx.fold("Newexten", pbx.channel(john))
    pbx.fold("QueueCallerJoin", pbx.channel(john) | SALES)
    pbx.hang_up(john)
    ends = [change.extension for change in pbx.told if change.kind.value == "hangup"]
    assert ends == [QUEUE, MENU, JOHN]


@pytest.mark.parametrize("bridge", ["", "b1"])
def test_a_snapshot_shows_who_is_in_a_queue_and_whether_it_was_answered(bridge: str) -> None:
    pbx = Script()
    waiting = _caller(Script(), QUEUE)
    waiting = replace(waiting, application="Queue", data="sales,t,,,300", bridge=bridge)
    pbx.snapshot(waiting)
    answered = [("answer", "ANSWER")] if bridge else []
    assert _of(pbx, QUEUE) == [("dial", "CALLING"), *answered]
    assert {change.seen for change in pbx.told} == {Seen.LATE}
    assert pbx.snapshot(waiting) == []


@pytest.mark.parametrize(
    ("extension", "place"),
    [
        (ROOM, {"application": "ConfBridge", "data": "850", "bridge": "room"}),
        (MENU, {"application": "Read", "context": "menu", "exten": "s"}),
    ],
)
def test_a_snapshot_shows_who_is_in_a_conference_or_an_ivr(
    extension: str, place: dict[str, str]
) -> None:
    pbx = Script()
    john = replace(_caller(Script(), extension), **place)
    pbx.snapshot(john)
    assert _of(pbx, extension) == [("dial", "CALLING"), ("answer", "ANSWER")]
    pbx.snapshot(replace(john, application="Playback", data="", context="internal", bridge=""))
    assert _of(pbx, extension)[2:] == [("hangup", "ANSWER")]
    assert pbx.told[-1].seen is Seen.RECONSTRUCTED


def test_a_visit_that_began_while_the_list_was_made_stays() -> None:
    pbx = Script()
    john = _caller(pbx, QUEUE)
    pbx.tracker.begin_snapshot()
    rows = [pbx.row(replace(john, application="Answer"))]
    pbx.fold("QueueCallerJoin", pbx.channel(john) | SALES)
    assert pbx.tracker.end_snapshot(Listing(rows), pbx.now) == []
    assert len(pbx.tracker.live.visits()) == 1
