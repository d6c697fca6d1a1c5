import asyncio
import time

import pytest

from daemon.tokens import KNOWN_SECONDS, create_token, revoke_token
from tests.api.running import EVENTS, RunningApi


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
async def test_the_scheme_in_any_case(api: RunningApi, scheme: str) -> None:
    answer = await api.request("GET", EVENTS, headers={"Authorization": f"{scheme} {api.token}"})
    assert answer.status == 204


async def test_a_token_that_is_revoked_while_it_is_used_ends_within_a_second(
    api: RunningApi,
) -> None:
    assert (await api.get(EVENTS)).status == 204
    await api.service.store.write(lambda db: revoke_token(db, api.token))
    async with asyncio.timeout(10 * KNOWN_SECONDS):
        while (answer := await api.get(EVENTS)).status == 204:
            await asyncio.sleep(0.05)
    assert answer.error == (401, "access_denied")


async def test_a_token_until_it_expires(api: RunningApi) -> None:
    now = time.time()
    api.token, over = await api.service.store.write(
        lambda db: [create_token(db, 12, "0123456789ab", end) for end in (now + 60, now - 1)]
    )
    assert (await api.get(EVENTS)).status == 204
    api.token = over
    answer = await api.get(EVENTS)
    assert answer.error == (401, "access_denied")
    assert "expired" in answer.message
