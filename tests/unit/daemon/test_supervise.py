import asyncio

import pytest

from daemon.supervise import FIRST_DELAY, LONGEST_DELAY, backoff, keep_running


def test_the_delay_doubles_up_to_its_longest_and_stays_there() -> None:
    delays = [backoff(failures, 1.0) for failures in range(1, 8)]
    assert delays == [FIRST_DELAY, 0.4, 0.8, 1.6, 3.2, LONGEST_DELAY, LONGEST_DELAY]
    assert backoff(1_000_000, 1.0) == LONGEST_DELAY


@pytest.mark.parametrize("failures", [1, 3, 100])
def test_the_jitter_spreads_over_half_of_the_delay(failures: int) -> None:
    assert backoff(failures, 0.0) == backoff(failures, 1.0) / 2
    assert backoff(failures, 0.0) < backoff(failures, 0.5) < backoff(failures, 1.0)


async def test_work_that_fails_or_ends_is_started_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    third = asyncio.Event()
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise LookupError("a bug")
        if runs == 3:
            third.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(keep_running("the work", work))
    async with asyncio.timeout(5):
        await third.wait()
    assert not task.done()
    assert "the work failed and is started again" in caplog.text
    assert "LookupError: a bug" in caplog.text
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_healthy_run_clears_the_backoff() -> None:
    starts: list[float] = []
    enough = asyncio.Event()

    async def work() -> None:
        starts.append(asyncio.get_running_loop().time())
        if len(starts) == 5:
            enough.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(keep_running("the work", work, healthy_after=0.0))
    async with asyncio.timeout(4):  # with a growing backoff it is 1.5 to 3 seconds
        await enough.wait()
    assert starts[-1] - starts[0] < 1.5
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
