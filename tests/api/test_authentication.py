import asyncio
import time

import pytest

from daemon.tokens import KNOWN_SECONDS, create_token, revoke_token
from tests.api.running import CALLS, EVENTS, RunningApi


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer unknown", "Basic dXNlcjpwYXNz", "Token abc"],
)
@pytest.mark.parametrize("path", [EVENTS, CALLS, "/uapi/cdr", "/uapi/nowhere", "/unifiedapi/x/"])
async def test_nothing_without_a_good_token(
    api: RunningApi, path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await api.request("GET", path, headers=headers)
    assert answer.error == (401, "access_denied")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_wrong_method_tells_nothing_without_a_token(api: RunningApi) -> None:
    answer = await api.request("PATCH", EVENTS, headers={})
    assert answer.error == (401, "access_denied")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
async def test_the_scheme_in_any_case(api: RunningApi, scheme: str) -> None:
    answer = await api.request("GET", EVENTS, headers={"Authorization": f"{scheme} {api.token}"})
    assert answer.status == 204


async def test_a_token_without_its_scheme_is_not_repeated(api: RunningApi) -> None:
    answer = await api.request("GET", EVENTS, headers={"Authorization": api.token})
    assert answer.error == (401, "access_denied")
    assert api.token not in answer.text


async def test_a_revoked_token(api: RunningApi) -> None:
    await api.service.store.write(lambda db: revoke_token(db, api.token))
    assert (await api.get(EVENTS)).error == (401, "access_denied")


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


async def test_a_token_whose_user_is_gone_from_the_settings(api: RunningApi) -> None:
    api.token = await api.new_token(99)
    answer = await api.get(EVENTS)
    assert answer.error == (401, "access_denied")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
