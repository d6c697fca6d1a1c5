"""What an app sees of a call, step by step."""

from daemon.calls.model import Flow, HeldBy, OnHold, PhoneCallView, ViewStatus
from tests.unit.daemon.calls.pbx_script import START, Leg, Script
from tests.unit.daemon.people import JOHN, MARY, RECEPTION

PUBLIC = "0040210000000"

_Shown = tuple[str, str | None, tuple[str, ...], tuple[str, ...], ViewStatus]


def _shown(pbx: Script, leg: Leg) -> list[_Shown]:
    return [(v.id, v.extension, v.source, v.destination, v.status) for v in pbx.views(leg)]


def _flows(views: tuple[PhoneCallView, ...]) -> set[Flow | None]:
    return {view.flow for view in views}


def test_a_local_call_from_the_first_ring_to_the_conversation() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "0003*220", number=JOHN, name="John")
    assert _shown(pbx, john) == [("01", JOHN, (JOHN,), (MARY,), ViewStatus.TRYING)]
    mary = pbx.dial(john, MARY)
    assert _shown(pbx, john) == [
        ("01", JOHN, (JOHN,), (MARY,), ViewStatus.TRYING),
        ("02", MARY, (JOHN,), (MARY,), ViewStatus.TRYING),
    ]
    pbx.ring(john, mary)
    assert [view.status for view in pbx.views(john)] == [
        ViewStatus.OTHER_SIDE_RINGING,
        ViewStatus.RINGING,
    ]
    pbx.answer(john, mary)
    assert _shown(pbx, john) == [
        ("01", JOHN, (JOHN,), (MARY,), ViewStatus.ON_CALL),
        ("02", MARY, (JOHN,), (MARY,), ViewStatus.ON_CALL),
    ]
    assert _flows(pbx.views(john)) == {Flow.LOCAL}
    assert {view.caller_id for view in pbx.views(john)} == {f"John <{JOHN}>"}
    assert {view.bridge for view in pbx.views(john)} == {"b1"}
    pbx.hang_up(mary)
    assert [view.id for view in pbx.views(john)] == ["01"]


def test_the_times_of_a_call_are_those_of_its_legs() -> None:
    pbx = Script()
    john, _mary = pbx.talk(JOHN, "220", MARY)
    call = pbx.call(john)
    of_john, of_mary = call.views
    assert call.published > START
    assert of_john.ringing is None
    assert of_mary.ringing is not None
    assert of_mary.answered is not None
    assert of_john.answered is not None
    assert call.published < of_mary.ringing < of_mary.answered < of_john.answered
    assert call.answered == of_mary.answered
    assert call.extension == JOHN


def test_a_short_number_that_was_dialled_shows_as_the_extension_once_it_is_dialled() -> None:
    pbx = Script()
    john, _ = pbx.talk(JOHN, "220", MARY)
    assert {view.destination for view in pbx.views(john)} == {(MARY,)}


def test_a_ring_group_shows_all_it_rings_and_then_who_answered() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "600", number=JOHN)
    mary, reception = pbx.dial(john, MARY), pbx.dial(john, "reception")
    pbx.ring(john, mary)
    pbx.ring(john, reception)
    assert _shown(pbx, john) == [
        ("01", JOHN, (JOHN,), (MARY, RECEPTION), ViewStatus.OTHER_SIDE_RINGING),
        ("02", MARY, (JOHN,), (MARY,), ViewStatus.RINGING),
        ("03", RECEPTION, (JOHN,), (RECEPTION,), ViewStatus.RINGING),
    ]
    pbx.answer(john, reception)
    assert pbx.views(john)[0].destination == (RECEPTION,)
    pbx.hang_up(mary)
    assert _shown(pbx, john) == [
        ("01", JOHN, (JOHN,), (RECEPTION,), ViewStatus.ON_CALL),
        ("03", RECEPTION, (JOHN,), (RECEPTION,), ViewStatus.ON_CALL),
    ]
    again = pbx.dial(john, MARY)
    assert [view.id for view in pbx.views(again)] == ["01", "03", "04"], "no number comes twice"


def test_a_call_from_a_trunk_is_incoming_and_charged_to_the_extension() -> None:
    pbx = Script()
    trunk = pbx.place("trunk", "0213334444", number=PUBLIC, name="Ana")
    assert _shown(pbx, trunk) == [
        ("01", None, (PUBLIC,), ("0213334444",), ViewStatus.TRYING),
    ]
    assert _flows(pbx.views(trunk)) == {Flow.INCOMING}
    john = pbx.dial(trunk, JOHN)
    pbx.ring(trunk, john)
    pbx.answer(trunk, john)
    assert _shown(pbx, trunk) == [
        ("01", None, (PUBLIC,), (JOHN,), ViewStatus.ON_CALL),
        ("02", JOHN, (PUBLIC,), (JOHN,), ViewStatus.ON_CALL),
    ]
    assert _flows(pbx.views(trunk)) == {Flow.INCOMING}
    assert pbx.call(trunk).extension == JOHN
    assert pbx.views(john)[1].caller_id == f"Ana <{PUBLIC}>"


def test_a_call_to_a_trunk_is_outgoing() -> None:
    pbx = Script()
    john = pbx.place(JOHN, PUBLIC, number=JOHN)
    trunk = pbx.dial(john, "trunk")
    pbx.ring(john, trunk)
    pbx.answer(john, trunk)
    assert _shown(pbx, john) == [
        ("01", JOHN, (JOHN,), (PUBLIC,), ViewStatus.ON_CALL),
        ("02", None, (JOHN,), (PUBLIC,), ViewStatus.ON_CALL),
    ]
    assert _flows(pbx.views(john)) == {Flow.OUTGOING}
    assert pbx.call(john).extension == JOHN


def test_a_caller_id_without_a_name_is_the_number_alone() -> None:
    pbx = Script()
    trunk = pbx.place("trunk", "0213334444", number=PUBLIC, name="<unknown>")
    assert pbx.views(trunk)[0].caller_id == f"<{PUBLIC}>"
    anonymous = pbx.place("trunk", "0213334444", number="<unknown>", name="<unknown>")
    assert pbx.views(anonymous)[0].caller_id == ""
    assert pbx.views(anonymous)[0].source == ()


def test_a_phones_own_hold_shows_at_the_phone_until_it_resumes() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    pbx.fold("Hold", pbx.channel(mary))
    since = pbx.now
    pbx.fold("Hold", pbx.channel(mary))
    assert [view.on_hold for view in pbx.views(john)] == [None, OnHold(since, HeldBy.PHONE)]
    pbx.fold("Unhold", pbx.channel(mary))
    assert [view.on_hold for view in pbx.views(john)] == [None, None]


def test_the_calls_of_an_extension_are_those_in_which_it_has_a_leg() -> None:
    pbx = Script()
    first, _ = pbx.talk(JOHN, "220", MARY)
    second = pbx.place(JOHN, "600", number=JOHN)
    ids = [pbx.call(leg).id for leg in (first, second)]
    assert [call.id for call in pbx.tracker.live.calls_of(JOHN)] == ids
    assert [call.id for call in pbx.tracker.live.calls_of(MARY)] == ids[:1]
    assert pbx.tracker.live.calls_of(RECEPTION) == []
    found = pbx.tracker.live.call(ids[1])
    assert found is not None
    assert found.linkedid == second.linkedid
    assert pbx.tracker.live.call("0" * 20) is None
