"""How much of what is refused is told in the log."""

from api.refusals import Refusals, Tally
from tests.unit.waiting import until


def test_the_first_of_each_sort_are_told_and_the_rest_summed_by_sort() -> None:
    tally = Tally()
    came = ["401 from 10.0.0.1"] * 100 + ["429 from 10.0.0.1"] + ["401 from 10.0.0.3"] * 5
    assert [sort for sort in came if tally.tells(sort)] == [
        *["401 from 10.0.0.1"] * 3,
        "429 from 10.0.0.1",
        *["401 from 10.0.0.3"] * 3,
    ]
    assert tally.rest() == "97 times 401 from 10.0.0.1; 2 times 401 from 10.0.0.3"


def test_what_was_all_told_needs_no_sum() -> None:
    tally = Tally()
    assert tally.tells("401 from 10.0.0.1")
    assert tally.rest() is None


def test_many_addresses_are_no_way_to_more_lines_nor_to_more_memory() -> None:
    tally = Tally()
    told = sum(tally.tells(f"401 from 10.0.{n // 250}.{n % 250}") for n in range(5000))
    assert told == 30
    rest = tally.rest() or ""
    assert rest.endswith("; 4965 others"), rest
    assert rest.count(" times ") == 5
    assert sum(int(part.split()[0]) for part in rest.split("; ")) == 4970


async def test_a_sum_comes_by_itself_and_then_it_begins_anew() -> None:
    lines: list[str] = []
    refusals = Refusals(lines.append, seconds=0.02)
    for _ in range(1000):
        refusals.tell("401 from 10.0.0.1", "from 10.0.0.1: no")
    assert lines == ["refused: from 10.0.0.1: no"] * 3
    await until(lambda: len(lines) == 4)
    assert lines[3] == "refused: more within 0.02 s: 997 times 401 from 10.0.0.1"
    refusals.tell("401 from 10.0.0.1", "from 10.0.0.1: again")
    assert lines[4:] == ["refused: from 10.0.0.1: again"]
