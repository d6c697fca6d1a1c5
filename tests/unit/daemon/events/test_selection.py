from dataclasses import replace
from itertools import combinations

import pytest
from sqlite_utils import Database

from daemon.events.deliveries import DeliveryState
from daemon.events.phone_call_events import EventType
from daemon.events.selection import Selection, count, slices, walk
from daemon.store import Store
from tests.unit.daemon.events.attempts import attempt
from tests.unit.daemon.events.changes import DIAL_IN, HANGUP, put, subscribe
from tests.unit.daemon.people import JOHN, MARY

DEAD = frozenset({DeliveryState.DEAD})


async def _of_calls(store: Store, selection: Selection) -> set[str]:
    """The calls of the deliveries that are selected, from the newest on."""
    seqs = await store.read(
        lambda db: [
            seq
            for part in slices(db, selection)
            for seq in part.seqs(db, limit=100, newest_first=True)
        ]
    )
    rows = await store.read(lambda db: dict(db.execute("SELECT seq, call FROM deliveries")))
    assert len(seqs) == len(set(seqs)), "slices have nothing in common"
    assert await store.read(lambda db: count(db, selection)) == len(seqs)
    return {rows[seq] for seq in seqs}


async def _put(store: Store, *calls: str, extension: str = JOHN, now: float = 0.0) -> None:
    for call in calls:
        await put(store, replace(DIAL_IN, call_id=call, extension=extension), now=now)


async def test_without_conditions_it_is_all(store: Store) -> None:
    await subscribe(store, "http://a/")
    await _put(store, "1", "2")
    assert await _of_calls(store, Selection()) == {"1", "2"}


async def test_in_an_empty_store_it_is_nothing(store: Store) -> None:
    for selection in (Selection(), Selection(since=1.0, until=2.0), Selection(extension=JOHN)):
        assert await _of_calls(store, selection) == set()


async def test_by_state(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    await _put(store, "1")
    await attempt(store, DeliveryState.DEAD)
    await _put(store, "2")
    await attempt(store, DeliveryState.DELIVERED)
    await _put(store, "3")
    assert await _of_calls(store, Selection(DEAD)) == {"1"}
    ended = frozenset({DeliveryState.DEAD, DeliveryState.DELIVERED})
    assert await _of_calls(store, Selection(ended)) == {"1", "2"}
    assert await _of_calls(store, Selection(frozenset())) == set()
    for some in combinations(DeliveryState, 2):
        of_all = Selection(frozenset(some))
        of_event = replace(of_all, event=event.id)
        assert await _of_calls(store, of_event) == await _of_calls(store, of_all)


async def test_by_extension_and_by_event(store: Store) -> None:
    of_john = await subscribe(store, "http://a/")
    await subscribe(store, "http://b/", EventType.HANGUP)
    of_mary = await subscribe(store, "http://a/", extension=MARY)
    await _put(store, "1")
    await put(store, replace(HANGUP, call_id="2"))
    await _put(store, "3", extension=MARY)
    assert await _of_calls(store, Selection(extension=JOHN)) == {"1", "2"}
    assert await _of_calls(store, Selection(extension=MARY)) == {"3"}
    assert await _of_calls(store, Selection(event=of_john.id)) == {"1"}
    assert await _of_calls(store, Selection(event=of_mary.id, extension=JOHN)) == set()
    await attempt(store, DeliveryState.DEAD, url="http://b/")
    assert await _of_calls(store, Selection(DEAD, extension=JOHN)) == {"2"}


@pytest.mark.parametrize("event", [True, False])
@pytest.mark.parametrize(
    "states", [frozenset(DeliveryState), DEAD, DEAD | {DeliveryState.DELIVERED}]
)
async def test_by_time_from_the_first_moment_to_before_the_last(
    store: Store, event: bool, states: frozenset[DeliveryState]
) -> None:
    subscriber = await subscribe(store, "http://a/")
    for now in (10.0, 11.0, 11.0, 12.0, 15.0):
        await _put(store, f"{now:g}", now=now)
        await attempt(store, DeliveryState.DEAD, now=now)
    await store.write(lambda db: db.execute("DELETE FROM deliveries WHERE call = '15'"))
    selection = replace(Selection(states), event=subscriber.id if event else None)
    for since, until, expected in (
        (11.0, None, {"11", "12"}),
        (11.5, None, {"12"}),
        (None, 12.0, {"10", "11"}),
        (None, 10.0, set()),
        (10.5, 11.5, {"11"}),
        (12.5, None, set()),
        (None, 99.0, {"10", "11", "12"}),
    ):
        chosen = replace(selection, since=since, until=until)
        assert await _of_calls(store, chosen) == expected


async def test_nothing_of_another_time_is_chosen_though_the_clock_was_set_back(
    store: Store,
) -> None:
    await subscribe(store, "http://a/")
    for now in (10.0, 20.0, 5.0, 6.0):
        await _put(store, f"{now:g}", now=now)
    assert await _of_calls(store, Selection(since=4.0, until=9.0)) <= {"5", "6"}
    assert await _of_calls(store, Selection(since=15.0)) <= {"20"}


async def test_a_slice_is_walked_in_order_and_goes_on_after_any_place(store: Store) -> None:
    await subscribe(store, "http://a/")
    await _put(store, *map(str, range(7)))
    (part,) = await store.read(lambda db: slices(db, Selection()))
    first = await store.read(lambda db: part.seqs(db, 3))
    rest = await store.read(lambda db: part.seqs(db, 100, after=first[-1]))
    assert (len(first), first + rest) == (3, sorted(first + rest))
    assert len(rest) == 4
    assert await store.read(lambda db: part.seqs(db, 2, newest_first=True)) == rest[:-3:-1]


async def test_a_walk_sees_all_in_portions_though_they_leave_the_selection(store: Store) -> None:
    event = await subscribe(store, "http://a/")
    await _put(store, *map(str, range(7)))
    await attempt(store, DeliveryState.DEAD)

    def bury(db: Database) -> list[int]:
        seen = []
        for seqs in walk(db, Selection(DEAD, event=event.id), limit=3):
            seen.append(len(seqs))
            db.execute(f"UPDATE deliveries SET state = 'delivered' WHERE seq <= {seqs[-1]}")
        return seen

    assert await store.write(bury) == [3, 3, 1]
