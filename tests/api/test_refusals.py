"""How much of what is refused is told in the log."""

from api.refusals import Refusals, Tally
from tests.unit.waiting import until


def test_the_first_of_each_address_are_told_and_the_rest_summed_by_address() -> None:
    tally = Tally()
    came = ["10.0.0.1"] * 100 + ["10.0.0.2"] + ["10.0.0.3"] * 5
    assert [address for address in came if tally.tells(address)] == [
        *["10.0.0.1"] * 3,
        "10.0.0.2",
        *["10.0.0.3"] * 3,
    ]
    assert tally.rest() == "97 from 10.0.0.1, 2 from 10.0.0.3"


def test_what_was_all_told_needs_no_sum() -> None:
    tally = Tally()
    assert tally.tells("10.0.0.1")
    assert tally.rest() is None


def test_many_addresses_are_no_way_to_more_lines_nor_to_more_memory() -> None:
    tally = Tally()
    told = sum(tally.tells(f"10.0.{n // 250}.{n % 250}") for n in range(5000))
    assert told == 30
    rest = tally.rest() or ""
    assert rest.endswith(", 4965 from others"), rest
    assert rest.count(" from ") == 6
    assert sum(int(part.split()[0]) for part in rest.split(", ")) == 4970


async def test_a_sum_comes_by_itself_and_then_it_begins_anew() -> None:
    lines: list[str] = []
    refusals = Refusals(lines.append, seconds=0.02)
    for _ in range(1000):
        refusals.tell("10.0.0.1", "from 10.0.0.1: no")
    assert lines == ["refused: from 10.0.0.1: no"] * 3
    await until(lambda: len(lines) == 4)
    assert lines[3] == "refused: more within 0.02 s: 997 from 10.0.0.1"
    refusals.tell("10.0.0.1", "from 10.0.0.1: again")
    assert lines[4:] == ["refused: from 10.0.0.1: again"]
