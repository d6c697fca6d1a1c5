import re

from daemon.calls.model import phone_call_id, view_id


def test_a_phone_call_id_is_20_lower_case_hexadecimal_digits() -> None:
    assert re.fullmatch("[0-9a-f]{20}", phone_call_id("pbx", "1795296890.7943"))


def test_a_phone_call_id_never_changes_between_versions() -> None:
    # Apps keep these ids: a release that computes another one breaks them.
    assert phone_call_id("pbx", "1795296890.7943") == "692d3e069411b72bb613"


def test_two_pbxs_or_two_calls_never_share_an_id() -> None:
    ids = {
        phone_call_id(node, linkedid)
        for node, linkedid in [
            ("a", "1.1"),
            ("b", "1.1"),
            ("a", "1.2"),
            ("a1", ".1"),
            ("a", "1.11"),
        ]
    }
    assert len(ids) == 5


def test_view_ids_have_two_digits_at_least() -> None:
    assert [view_id(number) for number in (1, 9, 10, 100)] == ["01", "09", "10", "100"]
