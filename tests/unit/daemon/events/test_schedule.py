import pytest

from config.settings import Delivery as DeliverySettings
from daemon.events.deliveries import (
    Delivered,
    DeliveryState,
    Failed,
    Gone,
    Outcome,
    Refused,
)
from daemon.events.schedule import GRACE, LONGEST_RETRY_AFTER, horizon, verdict
from tests.unit.daemon.events.changes import A_DELIVERY

HOUR, DAY = 3600.0, 24 * 3600.0
SCHEDULE = DeliverySettings().schedule
NOW = 1_000_000.0


def _after(
    attempts: int, outcome: Outcome, chance: float = 0.0
) -> tuple[DeliveryState, float | None]:
    """The verdict on a delivery that had so many attempts before; the wait counts from now."""
    delivery = A_DELIVERY._replace(attempts=attempts)
    state, at = verdict(delivery, outcome, SCHEDULE, NOW, chance)
    return state, None if at is None else at - NOW


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
@pytest.mark.parametrize("outcome", [Failed("HTTP status 500"), Refused("a loopback address")])
def test_the_wait_grows_and_chance_adds_up_to_a_tenth(
    attempts: int, seconds: float, outcome: Outcome
) -> None:
    assert _after(attempts - 1, outcome, 0.0) == (DeliveryState.FAILED, seconds)
    assert _after(attempts - 1, outcome, 1.0)[1] == pytest.approx(seconds * 1.1)


@pytest.mark.parametrize("attempts", [9, 10, 1000])
def test_after_the_tenth_attempt_it_is_given_up(attempts: int) -> None:
    assert _after(attempts, Failed("HTTP status 500"), 0.5) == (DeliveryState.DEAD, None)
    asked = Failed("HTTP status 503", retry_after=60.0)
    assert _after(attempts, asked, 0.5) == (DeliveryState.DEAD, None)


@pytest.mark.parametrize("attempts", [0, 5, 9])
def test_what_the_app_took_or_does_not_want_has_ended(attempts: int) -> None:
    assert _after(attempts, Delivered("HTTP status 200")) == (DeliveryState.DELIVERED, None)
    assert _after(attempts, Gone("HTTP status 410")) == (DeliveryState.DEAD, None)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        (0.0, 5.0),
        (1.0, 5.0),
        (60.0, 60.0),
        (LONGEST_RETRY_AFTER, 24 * HOUR),
        (1e9, 24 * HOUR),
    ],
)
def test_a_retry_after_makes_the_wait_longer_never_shorter_and_no_more_than_a_day(
    asked: float, wait: float
) -> None:
    failed = Failed("HTTP status 429", retry_after=asked)
    assert _after(0, failed) == (DeliveryState.FAILED, wait)


def test_one_attempt_is_all_if_the_schedule_has_one() -> None:
    assert verdict(A_DELIVERY, Failed("-"), [0.0], NOW, 0.0) == (DeliveryState.DEAD, None)


def test_a_delivery_has_a_day_more_than_the_longest_that_its_attempts_can_take() -> None:
    longest = sum(_after(attempts, Failed("-"), 1.0)[1] or 0.0 for attempts in range(9))
    assert horizon(SCHEDULE) == pytest.approx(longest + GRACE)
    assert longest > 3 * DAY
    assert GRACE == DAY
