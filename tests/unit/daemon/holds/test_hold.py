"""What a hold is, and how it is known again."""

from datetime import UTC, datetime

import pytest

from daemon.holds.hold import Hold, InForce

HOLD = Hold(
    holder="1795296890.0",
    held="1795296890.1",
    snoop="uapid-hold-1",
    since=datetime(2026, 1, 1, 12, 30, 15, tzinfo=UTC),
    holder_gain="",
    held_gain="-3.5",
)


def test_a_hold_is_known_again_from_the_arguments_of_its_snoop() -> None:
    arguments = HOLD.to_arguments()
    assert Hold.from_arguments(HOLD.snoop, arguments.split(",")) == HOLD
    assert HOLD.channels == {"1795296890.0", "1795296890.1"}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [""],
        ["hold"],
        ["park", "1.1", "1.2", "", "", "1795296890"],
        ["hold", "1.1", "1.2", "", "", ""],
        ["hold", "1.1", "1.2", "", "", "yesterday"],
        ["hold", "1.1", "1.2", "", "", "1795296890", "more"],
    ],
)
def test_arguments_of_other_channels_are_no_hold(arguments: list[str]) -> None:
    assert Hold.from_arguments("snoop", arguments) is None


def test_an_app_is_told_what_the_held_party_does_not_hear() -> None:
    in_force = InForce(HOLD)
    assert in_force.note == ""
    in_force.heard = False
    assert "sends no RTP" in in_force.note
    in_force.music = "The PBX has no music class jazz, it plays default."
    assert in_force.note.endswith(in_force.music)
    in_force.heard = True
    assert in_force.note == in_force.music
