"""The tracker on the recording of every play: what apps see is what people have approved."""

from collections import defaultdict

import pytest

from daemon.calls.model import CallChange, ChangeKind
from tests.plays import PLAYS
from tests.plays.replay import Message, Replay, expected, messages, told


@pytest.mark.parametrize("name", PLAYS)
def test_apps_see_what_was_approved(name: str) -> None:
    assert told(name) == expected(name)


@pytest.mark.parametrize("name", PLAYS)
def test_each_leg_has_dial_before_answer_before_one_hangup_and_nothing_stays(name: str) -> None:
    replay = Replay()
    for message in messages(name):
        replay.feed(message)
    live = replay.tracker.live
    assert list(live.calls()) == []
    assert live.uniqueids() == []
    legs: dict[tuple[str, str | None], list[CallChange]] = defaultdict(list)
    for change in replay.changes:
        legs[change.channel, change.extension].append(change)
    for leg, changes in legs.items():
        kinds = [change.kind for change in changes]
        assert kinds in (
            [ChangeKind.DIAL, ChangeKind.HANGUP],
            [ChangeKind.DIAL, ChangeKind.ANSWER, ChangeKind.HANGUP],
        ), leg
        assert len({change.call_id for change in changes}) == 1, leg
        assert len({change.direction for change in changes}) == 1, leg


@pytest.mark.parametrize("who", ["caller", "called"])
def test_who_asks_in_a_transfer_by_keys_may_come_into_the_bridge_after_the_third_was_dialled(
    who: str,
) -> None:
    name = f"keyed-attended-transfer-by-the-{who}"
    replay = Replay()
    for message in _dialled_before_the_bridge(name):
        replay.feed(message)
    assert replay.text() == expected(name)


def test_who_asks_with_a_hidden_number_is_known_when_it_comes_into_the_bridge() -> None:
    replay = Replay()
    for message in _dialled_before_the_bridge("keyed-attended-transfer-by-the-called"):
        if message["Event"] == "DialBegin" and message["Channel"].startswith("Local/"):
            message["CallerIDNum"] = "<unknown>"
        replay.feed(message)
    third = [change for change in replay.changes if change.extension == "0003*025"]
    callers = {change.kind: change.parties.caller_extension for change in third}
    assert callers[ChangeKind.ANSWER] == callers[ChangeKind.HANGUP] == "0003*024"


def _dialled_before_the_bridge(name: str) -> list[Message]:
    """A transfer by keys in which the third is dialled before who asks is in the bridge."""
    told = messages(name)
    dialled = [place for place, message in enumerate(told) if message["Event"] == "DialBegin"][-1]
    enters = max(
        place
        for place, message in enumerate(told[:dialled])
        if message["Event"] == "BridgeEnter" and message["Channel"].startswith("PJSIP/")
    )
    told.insert(dialled, told.pop(enters))
    return told
