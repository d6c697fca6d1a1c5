"""The laws of hold; what a hold does to the PBX is tested on a real one."""

import pytest

from daemon.calls.model import HeldBy, OnHold
from daemon.holds.hold import Hold, InForce, NotHoldable
from daemon.holds.laws import (
    Parties,
    holder_of,
    is_whole,
    on_hold,
    parties_of,
    why_apart,
    why_deaf,
)
from tests.unit.daemon.calls.pbx_script import START, Leg, Script
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


def _across_local_channels(pbx: Script) -> tuple[Leg, Leg, Leg, Leg]:
    """John, both halves of a Local channel that stays, and Mary behind it."""
    john = pbx.place(JOHN, "220", number=JOHN)
    near = pbx.dial(john, "Local/220@internal-00000001;1")
    far = pbx.dial(john, "Local/220@internal-00000001;2", begin=False)
    mary = pbx.dial(far, MARY)
    pbx.answer(far, mary, "b2")
    pbx.answer(john, near, "b1")
    return john, near, far, mary


def test_across_local_channels_the_two_phones_hold_each_other() -> None:
    pbx = Script()
    john, _, _, mary = _across_local_channels(pbx)
    for holder, held in ((john, mary), (mary, john)):
        parties = parties_of(pbx.tracker.live, holder.uniqueid)
        assert isinstance(parties, Parties)
        assert (parties.holder.uniqueid, parties.held.uniqueid) == (holder.uniqueid, held.uniqueid)


def test_across_local_channels_the_view_of_the_other_means_the_same_connection() -> None:
    pbx = Script()
    john, *_ = _across_local_channels(pbx)
    found = holder_of(pbx.call(john), frozenset({JOHN}), "02")
    assert found is not None
    assert found.id == "01"


def test_two_stay_together_when_a_local_channel_between_them_is_optimised_away() -> None:
    pbx = Script()
    john, near, far, mary = _across_local_channels(pbx)
    channels = frozenset((john.uniqueid, mary.uniqueid))
    assert why_apart(pbx.tracker.live, channels) is None
    pbx.leave(near)
    pbx.leave(mary)
    pbx.enter(mary, "b1")
    pbx.hang_up(near, far)
    assert why_apart(pbx.tracker.live, channels) is None


def _apart(pbx: Script, one: Leg, other: Leg) -> str | None:
    return why_apart(pbx.tracker.live, frozenset((one.uniqueid, other.uniqueid)))


def test_a_hold_ends_when_one_of_the_two_hangs_up() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    assert _apart(pbx, john, mary) is None
    pbx.hang_up(mary)
    assert "hung up" in (_apart(pbx, john, mary) or "")


def test_a_hold_ends_when_one_of_the_two_leaves() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    pbx.leave(mary)
    assert "not connected" in (_apart(pbx, john, mary) or "")
    pbx.enter(mary, "b1")
    assert _apart(pbx, john, mary) is None


def test_a_hold_ends_when_a_third_party_joins() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    pbx.enter(pbx.dial(john, "reception"), "b1")
    assert "third party" in (_apart(pbx, john, mary) or "")


def test_a_hold_ends_when_one_of_the_two_is_parked() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    pbx.leave(mary)
    pbx.fold("ParkedCall", {"ParkeeUniqueid": mary.uniqueid, "ParkingSpace": "7801"})
    assert _apart(pbx, john, mary) == f"{mary.channel} was parked"


@pytest.mark.parametrize(
    ("formats", "modules", "named"),
    [
        (("ulaw", "alaw"), {"codec_ulaw", "codec_alaw"}, None),
        (("slin16", "slin"), set(), None),
        (("ulaw", "g729"), {"codec_ulaw"}, "g729,"),
        (("g729",), {"codec_g729a"}, None),
        (("g729", "opus"), {"codec_ulaw"}, "g729 and opus,"),
        (("opus",), {"codec_opus"}, None),
        (("ulaw",), {"codec_gsm"}, "ulaw,"),
        (("a-codec-of-tomorrow",), {"codec_ulaw"}, "a-codec-of-tomorrow,"),
        (("ulaw", "g722"), None, None),
        (("g729",), None, "g729,"),
    ],
)
def test_a_codec_that_the_pbx_only_passes_through_is_refused_by_name(
    formats: tuple[str, ...], modules: set[str] | None, named: str | None
) -> None:
    refusal = why_deaf(formats, modules)
    assert (refusal is None) == (named is None)
    assert refusal is None or f"codec is {named}" in refusal.reason


@pytest.mark.parametrize(
    ("silenced", "whole"), [({"1.1", "1.2"}, True), ({"1.1"}, False), (set(), False)]
)
def test_a_hold_that_did_not_silence_both_was_cut_short(silenced: set[str], whole: bool) -> None:
    hold = Hold("1.1", "1.2", "snoop", START, "", "")
    assert is_whole(hold, silenced) is whole


def test_what_is_told_is_who_holds_and_since_when() -> None:
    pbx = Script()
    john, mary = pbx.talk(JOHN, "220", MARY)
    channel = pbx.tracker.live.channel(john.uniqueid)
    assert channel is not None
    hold = Hold(john.uniqueid, mary.uniqueid, "snoop", pbx.now, "", "")
    ours = InForce(hold, music="The PBX has no music class jazz, it plays default.")
    assert on_hold(channel, None) is None
    assert on_hold(channel, ours) == OnHold(pbx.now, HeldBy.UAPID, ours.music)
    pbx.fold("Hold", pbx.channel(john))
    assert on_hold(channel, None) == OnHold(pbx.now, HeldBy.PHONE)
    assert on_hold(channel, ours) == OnHold(hold.since, HeldBy.BOTH, ours.music)
