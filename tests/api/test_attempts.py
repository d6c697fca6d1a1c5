"""How often somebody may fail."""

import pytest

from api.attempts import Attempts


def test_so_many_failures_in_a_minute_and_then_it_waits_for_the_first_to_be_over() -> None:
    attempts = Attempts(3)
    for now in (0.0, 10.0, 20.0):
        assert attempts.wait("a", now) == 0
        attempts.failed("a", now)
    assert attempts.wait("a", 20.0) == 40
    assert attempts.wait("a", 59.5) == 0.5
    assert attempts.wait("a", 60.0) == 0
    attempts.failed("a", 60.0)
    assert attempts.wait("a", 60.0) == 10


def test_failures_of_one_are_not_those_of_another() -> None:
    attempts = Attempts(1)
    attempts.failed(("10.0.0.1", "key"), 0.0)
    assert attempts.wait(("10.0.0.1", "key"), 1.0) == 59
    assert attempts.wait(("10.0.0.2", "key"), 1.0) == 0
    assert attempts.wait(("10.0.0.1", "other"), 1.0) == 0


def test_who_waits_longest_is_forgotten_when_there_are_too_many_to_remember() -> None:
    attempts = Attempts(1)
    for who in range(10_000):
        attempts.failed(who, 0.0)
    attempts.failed(0, 1.0)
    attempts.failed("one more", 1.0)
    assert [attempts.wait(who, 1.0) for who in (0, 1, 2, "one more")] == [60, 0, 59, 60]


@pytest.mark.parametrize("limit", [1, 10])
def test_no_more_is_kept_of_one_than_the_limit_needs(limit: int) -> None:
    attempts = Attempts(limit)
    for now in range(50):
        attempts.failed("a", float(now))
    assert attempts.wait("a", 50.0) == 60.0 - limit
