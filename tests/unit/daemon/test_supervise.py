import asyncio
from itertools import pairwise

import pytest

from daemon.supervise import SOON, Pace, keep_running


def test_the_pause_grows_up_to_its_longest_and_stays_there() -> None:
    pace = Pace(first=10, longest=300, growth=3)
    assert [pace.pause(ends, 0.0) for ends in range(1, 7)] == [10, 30, 90, 270, 300, 300]
    assert pace.pause(1_000_000, 0.0) == 300


@pytest.mark.parametrize("ends", [1, 3, 100])
def test_chance_takes_its_part_off_the_pause(ends: int) -> None:
    pace = Pace(first=1, longest=5, jitter=0.5)
    assert pace.pause(ends, 1.0) == pace.pause(ends, 0.0) / 2
    assert pace.pause(ends, 1.0) < pace.pause(ends, 0.5) < pace.pause(ends, 0.0)


async def test_work_that_fails_or_ends_is_started_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    third = asyncio.Event()
    runs = 0

    async def work() -> Pace:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise LookupError("a bug")
        if runs == 3:
            third.set()
            await asyncio.Event().wait()
        return SOON

    task = asyncio.create_task(keep_running("the work", work))
    async with asyncio.timeout(5):
        await third.wait()
    assert not task.done()
    assert "the work failed and is started again" in caplog.text
    assert "LookupError: a bug" in caplog.text
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _starts(*paces: Pace, healthy_after: float = 10.0) -> list[float]:
    """When work was started whose runs end with these paces, one after the other."""
    starts: list[float] = []
    enough = asyncio.Event()

    async def work() -> Pace:
        starts.append(asyncio.get_running_loop().time())
        if len(starts) > len(paces):
            enough.set()
            await asyncio.Event().wait()
        return paces[len(starts) - 1]

    task = asyncio.create_task(keep_running("the work", work, healthy_after=healthy_after))
    async with asyncio.timeout(5):
        await enough.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return starts


async def test_the_pauses_grow_while_the_outcome_is_the_same() -> None:
    pace = Pace(first=0.05, longest=0.4, jitter=0)
    starts = await _starts(pace, pace, pace)
    pauses = [after - before for before, after in pairwise(starts)]
    assert pauses[0] < 0.1 <= pauses[1] < 0.2 <= pauses[2]


async def test_a_healthy_run_clears_the_backoff() -> None:
    pace = Pace(first=0.05, longest=10)
    starts = await _starts(*[pace] * 7, healthy_after=0.0)
    assert starts[-1] - starts[0] < 1, "it would be over three seconds"


async def test_another_outcome_has_pauses_of_its_own() -> None:
    soon, late = Pace(first=0.05, longest=10, jitter=0), Pace(first=0.3, longest=0.3, jitter=0)
    starts = await _starts(soon, soon, soon, late, soon)
    pauses = [after - before for before, after in pairwise(starts)]
    assert pauses[3] >= 0.3
    assert pauses[4] < 0.1, "and what was before does not count"
