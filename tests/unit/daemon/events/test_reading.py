"""What is read ahead is sent once, soon, and as its PhoneCallEvent wants it."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from daemon.events.deliveries import Delivery
from daemon.events.origin import origin_of
from daemon.events.outbox import Outbox
from daemon.events.phone_call_events import Status
from daemon.events.reading import AHEAD, AHEAD_SECONDS, Reading
from daemon.store import Store
from tests.unit.daemon.events.changes import DIAL_IN, put, subscribe, update

URL = "http://a/"
ORIGIN = origin_of(URL)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reading(store: Store, clock: Clock) -> Reading:
    return Reading(Outbox(store, 0.0, lambda origins: None), clock)


async def _calls(store: Store, count: int) -> None:
    await put(store, *(replace(DIAL_IN, call_id=f"{number:020x}") for number in range(count)))


def _ids(deliveries: Iterable[Delivery]) -> list[str]:
    return [delivery.webhook_id for delivery in deliveries]


async def test_each_delivery_is_taken_once(store: Store, reading: Reading) -> None:
    await subscribe(store, URL)
    await _calls(store, 5)
    first, _ = await reading.take(ORIGIN, 2)
    others, at = await reading.take(ORIGIN, 10)
    assert (len(first), len(others), at) == (2, 3, None)
    assert len({*_ids(first), *_ids(others)}) == 5
    assert await reading.take(ORIGIN, 10) == ([], None)


async def test_what_was_read_ahead_is_at_hand_without_a_look(
    store: Store, reading: Reading
) -> None:
    await subscribe(store, URL)
    await _calls(store, 10)
    taken, _ = await reading.take(ORIGIN, 2)
    assert reading.take_ahead(ORIGIN) is None, "nothing was read ahead so far"
    await reading.read_ahead()
    ahead = [reading.take_ahead(ORIGIN) for _ in range(9)]
    ids = _ids(delivery for delivery in ahead if delivery is not None)
    assert len({*_ids(taken), *ids}) == 10
    assert ahead[-1] is None


async def test_nothing_is_read_ahead_for_a_server_that_has_no_more(
    store: Store, reading: Reading
) -> None:
    await subscribe(store, URL)
    await _calls(store, 1)
    await reading.take(ORIGIN, 2)
    assert reading.take_ahead(ORIGIN) is None
    await _calls(store, 3)
    await reading.read_ahead()
    assert reading.take_ahead(ORIGIN) is None


async def test_what_is_read_ahead_has_a_bound(store: Store, reading: Reading) -> None:
    await subscribe(store, URL)
    await _calls(store, 3 * AHEAD)
    await reading.take(ORIGIN, 1)
    reading.take_ahead(ORIGIN)
    await reading.read_ahead()
    taken = 0
    while reading.take_ahead(ORIGIN) is not None:
        taken += 1
    assert taken == AHEAD
    await reading.read_ahead()
    assert reading.take_ahead(ORIGIN) is not None, "there is more, and it was read in time"


async def test_what_has_waited_for_too_long_is_looked_at_again(
    store: Store, reading: Reading, clock: Clock
) -> None:
    event = await subscribe(store, URL)
    await _calls(store, 10)
    await reading.take(ORIGIN, 2)
    reading.take_ahead(ORIGIN)
    await reading.read_ahead()
    await update(store, event, status=Status.DISABLED)
    clock.now += AHEAD_SECONDS + 0.1
    assert reading.take_ahead(ORIGIN) is None
    assert await reading.take(ORIGIN, 10) == ([], None)
    await update(store, event, status=Status.ENABLED)
    again, _ = await reading.take(ORIGIN, 10)
    assert len(again) == 8, "what was read ahead is not lost"


async def test_what_is_given_back_can_be_taken_again(store: Store, reading: Reading) -> None:
    await subscribe(store, URL)
    await _calls(store, 6)
    taken, _ = await reading.take(ORIGIN, 2)
    reading.take_ahead(ORIGIN)
    await reading.read_ahead()
    reading.give_back(ORIGIN)
    assert reading.take_ahead(ORIGIN) is None
    again, _ = await reading.take(ORIGIN, 10)
    assert len(again) == 4
    assert not {*_ids(again)} & {*_ids(taken)}, "those on their way are not taken again"


async def test_nothing_is_kept_of_a_server_when_all_is_settled(
    store: Store, reading: Reading
) -> None:
    await subscribe(store, URL)
    await _calls(store, 3)
    taken, _ = await reading.take(ORIGIN, 5)
    assert reading.anything_taken
    for delivery in taken:
        reading.settled(ORIGIN, delivery.webhook_id)
    assert not reading.anything_taken
    again, _ = await reading.take(ORIGIN, 5)
    assert _ids(again) == _ids(taken), "the store was not told of any outcome, so all is due"


async def test_a_server_that_is_not_known_has_nothing_ahead(reading: Reading) -> None:
    reading.give_back(ORIGIN)
    assert reading.take_ahead(ORIGIN) is None
    assert await reading.take(ORIGIN, 5) == ([], None)
