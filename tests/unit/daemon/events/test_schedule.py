import pytest

from daemon.events.schedule import retry_delay

HOUR = 3600.0


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [
        (1, 5.0),
        (2, 300.0),
        (3, HOUR / 2),
        (4, 2 * HOUR),
        (5, 5 * HOUR),
        (6, 10 * HOUR),
        (7, 14 * HOUR),
        (8, 20 * HOUR),
        (9, 24 * HOUR),
    ],
)
def test_the_delay_grows_and_chance_adds_up_to_a_tenth(attempts: int, seconds: float) -> None:
    assert retry_delay(attempts, 0.0) == seconds
    assert retry_delay(attempts, 1.0) == pytest.approx(seconds * 1.1)


@pytest.mark.parametrize("attempts", [10, 11, 1000])
def test_after_the_tenth_attempt_there_is_none(attempts: int) -> None:
    assert retry_delay(attempts, 0.5) is None
