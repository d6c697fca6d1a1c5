"""The recordings are those of the plays, and are what the tests of the tracker take them for."""

import pytest

from tests.plays import PLAYS
from tests.plays.record import CALLS
from tests.plays.replay import messages


def test_each_play_has_its_recording_and_no_other_is_left() -> None:
    assert {file.name for file in CALLS.iterdir()} == {f"{name}.ami.gz" for name in PLAYS}


@pytest.mark.parametrize("name", PLAYS)
def test_a_recording_begins_with_a_channel_and_ends_when_all_are_gone(name: str) -> None:
    recorded = messages(name)
    began = {m["Uniqueid"] for m in recorded if m["Event"] == "Newchannel"}
    ended = [m["Uniqueid"] for m in recorded if m["Event"] == "Hangup"]
    assert sorted(ended) == sorted(began)
    assert recorded[-1] == {"Event": "Step", "Name": "over"}
    assert (recorded[-2]["Event"], recorded[-2]["ListItems"]) == ("CoreShowChannelsComplete", "0")


@pytest.mark.parametrize("name", PLAYS)
def test_each_step_of_a_recording_has_all_channels_of_that_moment(name: str) -> None:
    live: set[str] = set()
    listed: set[str] = set()
    for message in messages(name):
        match message["Event"]:
            case "Newchannel":
                live.add(message["Uniqueid"])
            case "Hangup":
                live.discard(message["Uniqueid"])
            case "CoreShowChannel":
                listed.add(message["Uniqueid"])
            case "Step":
                assert listed == live, message["Name"]
                listed = set()
