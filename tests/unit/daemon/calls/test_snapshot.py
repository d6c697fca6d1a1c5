"""After each login the list of the PBX's channels sets right what the tracker knows."""

from datetime import timedelta

from daemon.calls.model import CallStatus, HeldBy, OnHold, Seen, ViewStatus
from daemon.calls.snapshot import Listing
from daemon.calls.tracker import Tracker
from tests.unit.daemon.calls.pbx_script import NODE, RINGING, UP, Script, copies
from tests.unit.daemon.people import JOHN, MARY, directory

PUBLIC = "0040210000000"


def _restarted(pbx: Script) -> Script:
    """A new run of the daemon that knows the calls from the store, at the same PBX."""
    tracker = Tracker(NODE, directory())
    tracker.remember(copies(pbx.tracker.live.calls()))
    return Script(tracker, after=pbx)


def test_a_call_that_was_never_seen_is_adopted_as_if_it_had_been() -> None:
    seen = Script()
    john, mary = seen.talk(JOHN, "220", MARY)
    unseen = Script()
    unseen.snapshot(mary, john)  # CoreShowChannels lists the newest first
    assert sorted(unseen.stories()) == sorted(seen.stories())
    assert {change.parties for change in unseen.told} == {change.parties for change in seen.told}
    for ours, theirs in zip(unseen.views(john), seen.views(john), strict=True):
        for name in ("id", "channel", "bridge", "extension", "source", "destination", "flow"):
            assert getattr(ours, name) == getattr(theirs, name), name
        assert ours.status is ViewStatus.ON_CALL
    assert unseen.call(john).id == seen.call(john).id
    assert unseen.now - unseen.call(john).published == timedelta(minutes=1, seconds=30)
    unseen.hang_up(mary, john)
    assert sorted(unseen.stories()[4:]) == [
        ("hangup", JOHN, "out", "ANSWER"),
        ("hangup", MARY, "in", "ANSWER"),
    ]


def test_a_ringing_call_is_adopted_and_its_answer_told() -> None:
    outside = Script()
    trunk = outside.place("trunk", "0213334444", number=PUBLIC)
    john = outside.dial(trunk, JOHN)
    outside.ring(trunk, john)
    pbx = Script()
    pbx.snapshot(trunk, john)
    of_john = [story for story in pbx.stories() if story[1] == JOHN]
    assert of_john == [("dial", JOHN, "in", "CALLING")]
    assert pbx.views(john)[1].status is ViewStatus.RINGING
    pbx.answer(trunk, john)
    assert [story for story in pbx.stories() if story[1] == JOHN][1:] == [
        ("answer", JOHN, "in", "ANSWER")
    ]
    assert pbx.told[-1].parties.called_did == "0213334444"


def test_a_snapshot_of_what_is_known_tells_nothing() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    ringing = pbx.place(JOHN, "600", number=JOHN)
    reception = pbx.dial(ringing, "reception")
    before, views = len(pbx.told), pbx.views(john)
    for _ in range(3):
        assert pbx.snapshot(john, mary, ringing, reception) == []
    assert len(pbx.told) == before
    assert pbx.views(john) == views


def test_calls_that_ended_meanwhile_get_their_hangup_with_all_parties() -> None:
    pbx = Script()
    trunk = pbx.place("trunk", "0213334444", number=PUBLIC)
    john = pbx.dial(trunk, JOHN)
    pbx.ring(trunk, john)
    pbx.answer(trunk, john)
    pbx.snapshot()
    (end,) = (c for c in pbx.told if c.kind.value == "hangup" and c.extension == JOHN)
    assert end.status.value == "ANSWER"
    (answer,) = (c for c in pbx.told if c.kind.value == "answer" and c.extension == JOHN)
    assert end.parties == answer.parties
    assert list(pbx.tracker.live.calls()) == []
    assert pbx.tracker.live.bridge_members("b1") == frozenset()
    assert pbx.snapshot() == []


def test_a_leg_that_was_answered_meanwhile_gets_its_answer() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "220", number=JOHN)
    mary = pbx.dial(john, MARY)
    pbx.ring(john, mary)
    john.state = mary.state = UP
    john.bridge = mary.bridge = "b7"
    pbx.snapshot(john, mary)
    assert sorted(pbx.stories()[2:]) == [
        ("answer", JOHN, "out", "ANSWER"),
        ("answer", MARY, "in", "ANSWER"),
    ]
    assert {view.bridge for view in pbx.views(john)} == {"b7"}


def test_legs_that_changed_their_bridge_meanwhile_are_seen_in_the_new_one() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    john.bridge = mary.bridge = "b2"
    pbx.snapshot(john, mary)
    assert pbx.tracker.live.bridge_members("b1") == frozenset()
    assert pbx.tracker.live.bridge_members("b2") == {john.uniqueid, mary.uniqueid}
    john.bridge = ""
    pbx.snapshot(john, mary)
    assert pbx.views(john)[0].bridge is None


def test_what_a_snapshot_shows_is_told_as_such() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "220", number=JOHN)
    mary = pbx.dial(john, MARY)
    assert {change.seen for change in pbx.told} == {Seen.LIVE}
    john.state = mary.state = UP
    assert {change.seen for change in pbx.snapshot(john, mary)} == {Seen.LATE}
    assert {change.seen for change in pbx.snapshot()} == {Seen.RECONSTRUCTED}
    pbx.place(JOHN, "220", number=JOHN)
    assert pbx.told[-1].seen is Seen.LIVE


def test_a_leg_that_ended_unseen_and_unanswered_was_not_answered() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "220", number=JOHN)
    mary = pbx.dial(john, MARY)
    pbx.ring(john, mary)
    assert {change.status for change in pbx.snapshot()} == {CallStatus.NOANSWER}


def test_parked_channels_are_in_no_bridge_as_nobody_talks_there() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    for leg in (john, mary):
        pbx.leave(leg)
        pbx.enter(leg, "lot", type="parking", BridgeTechnology="holding_bridge")
    assert pbx.tracker.live.bridge_members("lot") == frozenset()
    lot = {"BridgeUniqueid": "lot", "BridgeTechnology": "holding_bridge"}
    rows = [pbx.row(john), pbx.row(mary)]
    for known in (pbx, Script()):
        known.tracker.begin_snapshot()
        known.tracker.end_snapshot(Listing(rows, [lot]), pbx.now)
        assert known.tracker.live.bridge_members("lot") == frozenset()
        assert [view.bridge for view in known.views(john)] == [None, None]


def test_a_call_that_begins_while_the_list_is_made_stays() -> None:
    pbx = Script()
    pbx.tracker.begin_snapshot()
    john = pbx.place(JOHN, "220", number=JOHN)
    mary = pbx.dial(john, MARY)
    assert pbx.end_snapshot() == []
    assert [view.channel for view in pbx.views(john)] == [john.uniqueid, mary.uniqueid]


def test_a_hangup_that_overtakes_the_list_is_not_undone_by_it() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    pbx.tracker.begin_snapshot()
    rows = [pbx.row(john), pbx.row(mary)]
    pbx.hang_up(mary, john)
    before = len(pbx.told)
    assert pbx.tracker.end_snapshot(Listing(rows), pbx.now) == []
    assert list(pbx.tracker.live.calls()) == []
    assert len(pbx.told) == before


def test_an_answer_that_overtakes_the_list_is_not_undone_by_it() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "220", number=JOHN)
    mary = pbx.dial(john, MARY)
    pbx.ring(john, mary)
    pbx.tracker.begin_snapshot()
    rows = [pbx.row(john), pbx.row(mary)]
    pbx.answer(john, mary)
    assert pbx.tracker.end_snapshot(Listing(rows), pbx.now) == []
    assert [view.status for view in pbx.views(john)] == [ViewStatus.ON_CALL] * 2
    assert pbx.tracker.live.bridge_members("b1") == {john.uniqueid, mary.uniqueid}


def test_remembered_calls_keep_their_ids_and_views_and_tell_nothing_twice() -> None:
    before = Script()
    john = before.place(JOHN, "600", number=JOHN)
    mary, reception = before.dial(john, MARY), before.dial(john, "reception")
    before.ring(john, reception)
    before.answer(john, reception)
    before.hang_up(mary)
    after = _restarted(before)
    assert after.snapshot(john, reception) == []
    assert after.call(john) == before.call(john)
    assert [view.id for view in after.views(john)] == ["01", "03"]
    assert [view.id for view in after.views(after.dial(john, MARY))] == ["01", "03", "04"]
    after.hang_up(reception, john)
    assert after.told[-1].parties == before.told[-2].parties


def test_remembered_calls_that_ended_meanwhile_get_their_hangup() -> None:
    before = Script()
    before.talk(JOHN, "220", MARY)
    after = _restarted(before)
    after.snapshot()
    assert sorted(after.stories()) == [
        ("hangup", JOHN, "out", "ANSWER"),
        ("hangup", MARY, "in", "ANSWER"),
    ]
    assert {change.parties for change in after.told} == {before.told[0].parties}
    assert list(after.tracker.live.calls()) == []


def test_a_remembered_call_that_was_answered_meanwhile_gets_its_answer() -> None:
    before = Script()
    john = before.place(JOHN, "220", number=JOHN)
    mary = before.dial(john, MARY)
    before.ring(john, mary)
    after = _restarted(before)
    john.state = mary.state = UP
    after.snapshot(john, mary)
    assert sorted(after.stories()) == [
        ("answer", JOHN, "out", "ANSWER"),
        ("answer", MARY, "in", "ANSWER"),
    ]


def test_technical_channels_are_no_calls_but_count_in_their_bridge() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    snoop = pbx.dial(john, "Snoop/@1795296890.0-00000000")
    pbx.enter(snoop, "b1")
    assert len(pbx.tracker.live.bridge_members("b1")) == 3
    pbx.snapshot(john, mary)
    assert pbx.tracker.live.bridge_members("b1") == {john.uniqueid, mary.uniqueid}
    assert [view.channel for view in pbx.views(john)] == [john.uniqueid, mary.uniqueid]


def test_a_call_that_moved_into_another_leaves_no_ghost_after_a_restart() -> None:
    before = Script()
    ana = before.place("trunk", "0213334444", number=PUBLIC)
    john, mary = before.talk(JOHN, "220", MARY)
    ended, joined = before.call(john).id, before.call(ana).id
    before.tracker.take_touched()  # all is stored as it is now
    for leg in (mary, john):  # an attended transfer joins the calls
        leg.linkedid = ana.linkedid
        before.fold("NewConnectedLine", before.channel(leg))
    assert before.tracker.take_touched() == {ended, joined}, "both are to be stored anew"
    assert before.tracker.live.call(ended) is None
    after = _restarted(before)
    after.snapshot(john, mary, ana)
    assert [call.id for call in after.tracker.live.calls()] == [joined]
    after.hang_up(mary, john, ana)
    assert list(after.tracker.live.calls()) == []
    assert after.tracker.live.calls_of(JOHN) == []


def test_only_what_changed_is_to_be_stored_again() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    other = pbx.place(MARY, "600", number=MARY)
    assert pbx.tracker.take_touched() == {pbx.call(john).id, pbx.call(other).id}
    assert pbx.tracker.take_touched() == set()
    ended = pbx.call(john).id
    pbx.hang_up(mary, john)
    assert pbx.tracker.take_touched() == {ended}


def _devices(**states: str) -> list[dict[str, str]]:
    return [{"Device": f"PJSIP/{name}", "State": state} for name, state in states.items()]


def test_a_phone_that_began_to_hold_unseen_is_seen_to_hold() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    pbx.devices = _devices(**{JOHN: "INUSE", MARY: "ONHOLD"})
    pbx.snapshot(john, mary)
    assert [view.on_hold for view in pbx.views(john)] == [OnHold(pbx.now, HeldBy.PHONE), None]
    since = pbx.now
    pbx.snapshot(john, mary)
    assert pbx.views(john)[0].on_hold == OnHold(since, HeldBy.PHONE)


def test_a_phone_that_ended_its_hold_unseen_does_not_hold_any_more() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    pbx.fold("Hold", pbx.channel(john))
    pbx.devices = _devices(**{JOHN: "INUSE", MARY: "INUSE"})
    pbx.snapshot(john, mary)
    assert [view.on_hold for view in pbx.views(john)] == [None, None]


def test_a_phone_with_two_calls_does_not_tell_which_one_is_held() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    other = pbx.place(MARY, "600", number=MARY)
    pbx.fold("Hold", pbx.channel(john))
    before = pbx.views(john)[0].on_hold
    pbx.devices = _devices(**{MARY: "INUSE"})
    pbx.snapshot(john, mary, other)
    assert pbx.views(john)[0].on_hold == before
    pbx.hang_up(other)
    pbx.devices = []
    pbx.snapshot(john, mary)
    assert pbx.views(john)[0].on_hold == before, "the PBX did not tell of its devices"


def test_a_hold_that_began_while_the_lists_were_made_stays() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    pbx.devices = _devices(**{JOHN: "INUSE", MARY: "INUSE"})
    pbx.tracker.begin_snapshot()
    pbx.fold("Hold", pbx.channel(john))
    pbx.end_snapshot(john, mary)
    assert pbx.views(john)[0].on_hold is not None


def test_a_parked_call_that_was_retrieved_unseen_is_not_parked_any_more() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    parkee = {"ParkeeUniqueid": mary.uniqueid, "ParkerDialString": f"PJSIP/{JOHN}"}
    pbx.fold("ParkedCall", parkee | {"ParkingSpace": "701"})
    (_, parked) = pbx.views(john)
    assert parked.parked is not None
    assert (parked.parked.space, parked.parked.by) == ("701", JOHN)
    john.bridge = mary.bridge = "b2"
    pbx.snapshot(john, mary)
    assert [view.parked for view in pbx.views(john)] == [None, None]


def test_a_leg_whose_beginning_was_missed_is_told_of_when_it_is_known_who_placed_it() -> None:
    unheard = Script()
    john = unheard.place(JOHN, "220", number=JOHN)
    mary = unheard.dial(john, MARY)
    mary.state = RINGING
    pbx = Script(after=unheard)
    pbx.tracker.begin_snapshot()
    pbx.fold("Newstate", pbx.channel(mary))
    assert pbx.told == [], "it has an Exten, as one that called in would have"
    pbx.end_snapshot(john, mary)
    assert sorted(pbx.stories()) == [
        ("dial", JOHN, "out", "CALLING"),
        ("dial", MARY, "in", "CALLING"),
    ]
    assert pbx.call(john).extension == JOHN, "whose phone began it"
    assert pbx.snapshot(john, mary) == []


def test_a_late_event_of_a_channel_that_is_not_listed_makes_no_ghost() -> None:
    unheard = Script()
    john = unheard.place(JOHN, "220", number=JOHN)
    pbx = Script(after=unheard)
    pbx.tracker.begin_snapshot()
    pbx.fold("NewConnectedLine", pbx.channel(john))
    assert pbx.end_snapshot() == []
    assert pbx.tracker.live.uniqueids() == []


def test_an_event_that_comes_before_the_list_says_how_the_channel_is() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "220", number=JOHN)
    mary = pbx.dial(john, MARY)
    mary.state = RINGING  # its Newstate is missed
    pbx.tracker.begin_snapshot()
    pbx.fold("DialState", pbx.dialling(john, mary) | {"DialStatus": "RINGING"})
    pbx.end_snapshot(john, mary)
    assert pbx.views(john)[1].status is ViewStatus.RINGING


def test_a_call_goes_over_to_another_payer_without_a_trace_of_the_first() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    live = pbx.tracker.live
    (call,) = live.calls()
    live.charge(call, MARY)
    pbx.hang_up(john, mary)
    assert live.calls_of(JOHN) == live.calls_of(MARY) == []
