from datetime import timedelta

import pytest

from daemon.calls.ami_fields import (
    age_order,
    device_of,
    dialled_user,
    duration,
    is_technical,
    joins_calls,
    number,
    transfer_target,
)


@pytest.mark.parametrize(
    ("channel", "technical"),
    [
        ("PJSIP/0003*210-0000001a", False),
        ("DAHDI/1-1", False),
        ("Local/210@internal-00000001;1", True),
        ("Snoop/1795296890.1-00000002", True),
        ("Surrogate/PJSIP/0003*210-0000001a", True),
    ],
)
def test_only_what_a_phone_or_a_trunk_is_behind_is_a_leg(channel: str, technical: bool) -> None:
    assert is_technical(channel) is technical


@pytest.mark.parametrize(
    ("dial_string", "user"),
    [
        ("0213334444@trunk", "0213334444"),
        ("trunk/sip:0213334444@192.0.2.1:5060", "0213334444"),
        ("PJSIP/0213334444@trunk", "0213334444"),
        ("0003*210", ""),
        ("john@example", ""),
        ("", ""),
    ],
)
def test_a_dial_string_tells_the_number_that_is_called_outside(dial_string: str, user: str) -> None:
    assert dialled_user(dial_string) == user


@pytest.mark.parametrize(
    ("exten", "target"), [("0003*024", "0003*024"), ("+4021", "+4021"), ("PJSIP_0003*210", "")]
)
def test_a_parked_call_that_goes_back_asks_for_no_number(exten: str, target: str) -> None:
    assert transfer_target(exten) == target


@pytest.mark.parametrize("exten", ["", "s", "h", "i", "t"])
def test_the_special_extens_are_no_numbers(exten: str) -> None:
    assert number(exten) == ""
    assert number("210") == "210"


@pytest.mark.parametrize(
    ("type", "technology", "joins"),
    [
        ("basic", "simple_bridge", True),
        ("basic", "native_rtp", True),
        ("stasis", "softmix", True),
        ("stasis", "holding_bridge", False),
        ("base", "softmix", False),
        ("parking", "holding_bridge", False),
    ],
)
def test_which_bridges_join_calls(type: str, technology: str, joins: bool) -> None:
    event = {"BridgeType": type, "BridgeTechnology": technology}
    assert joins_calls(event) is joins


def test_uniqueids_sort_by_age_with_and_without_a_system_name() -> None:
    young, old = "1795296890.10", "1795296890.9"
    assert sorted([young, old, "1795296889.11"], key=age_order) == ["1795296889.11", old, young]
    assert age_order("pbx-1-1795296890.9") == age_order(old)
    assert age_order("no id") < age_order(old)


def test_a_duration_is_read_and_nonsense_is_none() -> None:
    assert duration("01:02:03") == timedelta(hours=1, minutes=2, seconds=3)
    assert duration("102:00:00") == timedelta(hours=102)
    assert duration("") == duration("1:2") == duration("a:b:c") == timedelta()


@pytest.mark.parametrize(
    ("channel", "device"),
    [
        ("PJSIP/0003*210-0000001a", "PJSIP/0003*210"),
        ("PJSIP/main-office-0000001a", "PJSIP/main-office"),
        ("PJSIP/0003*210", "PJSIP/0003*210"),
    ],
)
def test_a_channel_is_of_a_device(channel: str, device: str) -> None:
    assert device_of(channel) == device
