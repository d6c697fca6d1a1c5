"""The laws of hold; what a hold does to the PBX is tested on a real one."""

import pytest

from daemon.holds.hold import NotHoldable
from daemon.holds.laws import Parties, holder_of, parties_of
from tests.unit.daemon.calls.pbx_script import Leg, Script
from tests.unit.daemon.people import JOHN, MARY, RECEPTION


@pytest.mark.parametrize(
    ("extensions", "view", "holder"),
    [
        ({JOHN}, "01", "01"),
        ({JOHN}, "02", "01"),  # the peer's view means the same connection
        ({MARY}, "01", "02"),
        ({MARY}, "02", "02"),
        ({JOHN, MARY}, "01", "01"),
        ({JOHN, MARY}, "02", "02"),
        ({RECEPTION}, "01", None),
        ({JOHN}, "03", None),
        ({JOHN}, "1", None),
    ],
)
def test_the_holder_is_the_leg_of_the_users_extension(
    extensions: set[str], view: str, holder: str | None
) -> None:
    pbx = Script()
    john, _ = pbx.talk(JOHN, "220", MARY)
    found = holder_of(pbx.call(john), frozenset(extensions), view)
    assert (found.id if found else None) == holder


def test_naming_a_leg_that_talks_to_nobody_finds_no_holder_beside_it() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "220", number=JOHN)
    pbx.dial(john, MARY)
    assert holder_of(pbx.call(john), frozenset({JOHN}), "02") is None


def test_each_of_two_in_conversation_would_hold_the_other() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    for holder, held in ((john, mary), (mary, john)):
        parties = parties_of(pbx.tracker.live, holder.uniqueid)
        assert isinstance(parties, Parties)
        assert (parties.holder.uniqueid, parties.held.uniqueid) == (holder.uniqueid, held.uniqueid)


def _why_not(pbx: Script, leg: Leg) -> str:
    refusal = parties_of(pbx.tracker.live, leg.uniqueid)
    assert isinstance(refusal, NotHoldable)
    return refusal.reason


def test_a_leg_that_rings_or_is_alone_cannot_hold() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "220", number=JOHN)
    mary = pbx.dial(john, MARY)
    pbx.ring(john, mary)
    for leg in (john, mary):
        assert "not in conversation" in _why_not(pbx, leg)
    pbx.answer(john, mary)
    pbx.leave(mary)
    assert "bridge of 1" in _why_not(pbx, john)
    assert "nobody is connected" in _why_not(pbx, mary)


def test_a_leg_in_a_bridge_of_three_cannot_hold() -> None:
    pbx = Script()
    john, _ = pbx.talk(JOHN, "220", MARY)
    reception = pbx.dial(john, "reception")
    pbx.enter(reception, "b1")
    assert "bridge of 3" in _why_not(pbx, john)


def test_a_channel_of_the_pbx_that_ended_in_the_bridge_does_not_count_any_more() -> None:
    pbx = Script()
    john, _ = pbx.talk(JOHN, "220", MARY)
    announcer = pbx.dial(john, "Announcer/@1795296890.0-00000000")
    pbx.enter(announcer, "b1")
    assert "bridge of 3" in _why_not(pbx, john)
    pbx.fold("Hangup", pbx.channel(announcer) | {"Cause": "16"})  # its BridgeLeave was lost
    assert isinstance(parties_of(pbx.tracker.live, john.uniqueid), Parties)


def test_a_leg_whose_peer_is_inside_the_pbx_cannot_hold() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "220", number=JOHN)
    local = pbx.dial(john, "Local/220@internal-00000001;1")
    pbx.answer(john, local)
    assert "inside the PBX" in _why_not(pbx, john)


def test_a_leg_in_early_media_cannot_hold() -> None:
    pbx = Script()
    john = pbx.place(JOHN, "220", number=JOHN)
    mary = pbx.dial(john, MARY)
    pbx.ring(john, mary)
    for leg in (john, mary):
        pbx.enter(leg, "b1")
    assert "not answered yet" in _why_not(pbx, john)
