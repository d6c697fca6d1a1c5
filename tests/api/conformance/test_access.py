"""Who may do what: each caller at each operation."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlite_utils import Database

from api.openapi.document import document
from daemon.apps import create_app, revoke_app
from daemon.tokens import create_token, revoke_token
from tests.api.calls import ChosenHolds
from tests.api.conformance.operations import OPERATIONS, TO_COME, Operation
from tests.api.conformance.stage import MODIFIED, Stage
from tests.api.running import EVENTS, RunningApi, new_token, running_api, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECTIONS: dict[str, Any] = {
    "organizations": [{"id": "3", "name": "Three"}, {"id": "4", "name": "Four"}],
    "users": [
        {"id": 12, "name": "John", "organization": "3", "extensions": ["0003*210"]},
        {"id": 14, "name": "Mary", "organization": "3", "extensions": ["0003*211"]},
        {"id": 13, "name": "Jane", "organization": "4", "extensions": ["0003*024"]},
        {"id": 3, "name": "Office", "organization": "3", "role": "organization"},
        {"id": 4, "name": "Other office", "organization": "4", "role": "organization"},
        {"id": 1, "name": "Root", "role": "administrator"},
    ],
    "extensions": [],
}
GONE = 99

# The extension is John's. For each caller, by the number of the user, whether it may act at
# @me/0003*210, @owner/0003*210, 12/0003*210 and 0012/0003*210.
NAMES_OF_JOHN = ("@me", "@owner", "12", "0012")
USERS = {
    "the user": (12, True),
    "another user of the organization": (14, False),
    "a user of another organization": (13, False),
    "the user for the organization": (3, True),
    "the user for another organization": (4, False),
    "the administrator": (1, True),
}

# What is no token at all, or no longer one: by the header Authorization, None for no header.
NOBODY = {
    "no token": None,
    "an empty header": "",
    "the scheme alone": "Bearer",
    "the scheme and spaces": "Bearer   ",
    "another scheme": "Basic dXNlcjpwYXNz",
    "a scheme with another name": "Token {good}",
    "no scheme": "{good}",
    "two tokens": "Bearer {good} {good}",
    "two tokens with a comma": "Bearer {good}, Bearer {good}",
    "a token in quotes": 'Bearer "{good}"',
    "a part of a token": "Bearer {half}",
    "a longer token": "Bearer {good}x",
    "a token in capitals": "Bearer {capitals}",
    "an unknown token": "Bearer unknown",
    "an expired token": "Bearer {expired}",
    "a revoked token": "Bearer {revoked}",
    "a token of a revoked app": "Bearer {of_revoked_app}",
    "a token of a user that is gone": "Bearer {of_nobody}",
    "the key of an app": "Bearer {key}",
}

EVERY_OPERATION = pytest.mark.parametrize(
    "operation", [*OPERATIONS, *TO_COME], ids=lambda each: f"{each.method} {each.path}"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at_work(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    settings = settings_for(tmp_path_factory.mktemp("access"), **SECTIONS)
    async with running_api(settings) as api:
        yield Stage(api)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tokens(at_work: Stage) -> dict[str, str]:
    return await at_work.api.service.store.write(_tokens)


def _tokens(db: Database) -> dict[str, str]:
    good = new_token(db, 12)
    app, revoked_app = create_app(db, 12, "app"), create_app(db, 12, "revoked")
    revoked = create_token(db, 12, app.id)
    revoke_token(db, revoked)
    of_revoked_app = create_token(db, 12, revoked_app.id)
    revoke_app(db, revoked_app.id)
    return {
        "good": good,
        "half": good[:-1],
        "capitals": good.upper(),
        "expired": create_token(db, 12, app.id, time.time() - 0.001),
        "revoked": revoked,
        "of_revoked_app": of_revoked_app,
        "of_nobody": new_token(db, GONE),
        "key": app.id,
    }


async def test_no_operation_is_left_out() -> None:
    paths = document("")["paths"]
    assert {(each.method.lower(), f"/uapi{each.path}") for each in (*OPERATIONS, *TO_COME)} == {
        (method, path)
        for path, item in paths.items()
        if path.startswith("/uapi")
        for method in item.keys() - {"parameters", "head", "options"}
    }


async def nothing_has_changed(api: RunningApi, token: str) -> None:
    """The event is as it was, and no hold was asked for."""
    api.token = token
    (event,) = (await api.get(EVENTS)).body["entry"]
    assert event["modified"] == MODIFIED
    assert isinstance(api.service.holds, ChosenHolds)
    assert api.service.holds.asked == []


@EVERY_OPERATION
@pytest.mark.parametrize("caller", NOBODY)
async def test_nobody(
    at_work: Stage, tokens: dict[str, str], caller: str, operation: Operation
) -> None:
    header = NOBODY[caller]
    headers = {} if header is None else {"Authorization": header.format(**tokens)}
    answer = await at_work.request(operation, None, headers)
    assert answer.error == (401, "access_denied")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert tokens["good"] not in answer.text
    await nothing_has_changed(at_work.api, tokens["good"])


@EVERY_OPERATION
async def test_a_token_in_the_query_is_none(
    at_work: Stage, tokens: dict[str, str], operation: Operation
) -> None:
    path = f"/uapi{await at_work.path(operation)}?accessRequestToken={tokens['good']}"
    answer = await at_work.api.request(operation.method, path, operation.body, headers={})
    assert answer.error == (401, "access_denied")
    await nothing_has_changed(at_work.api, tokens["good"])


@EVERY_OPERATION
@pytest.mark.parametrize("caller", USERS)
async def test_users(
    at_work: Stage, tokens: dict[str, str], caller: str, operation: Operation
) -> None:
    user, may = USERS[caller]
    token = await at_work.api.new_token(user)
    for name in NAMES_OF_JOHN:
        at_work.api.token = token
        answer = await at_work.request(operation, user=name)
        if operation in TO_COME:
            assert answer.error == (501, "request_not_implemented"), name
        elif may:
            assert answer.status == operation.status, name
        else:
            denied = (401, "access_denied") if operation.is_of_calls else (400, "pce_access_denied")
            assert answer.error == denied, name
            assert ("WWW-Authenticate" in answer.headers) is operation.is_of_calls
            await nothing_has_changed(at_work.api, tokens["good"])


@pytest.mark.parametrize("caller", [*NOBODY, "good"])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/openapi.json", 200),
        ("GET", "/ready", 503),
        ("POST", "/oauth/token", 400),
        ("POST", "/oauth/token.php", 400),
        ("GET", "/oauth/authorize.php", 501),
        ("POST", "/oauth/register", 501),
    ],
)
async def test_what_needs_no_token_takes_no_notice_of_one(
    at_work: Stage, tokens: dict[str, str], method: str, path: str, status: int, caller: str
) -> None:
    header = {**NOBODY, "good": "Bearer {good}"}[caller]
    headers = {} if header is None else {"Authorization": header.format(**tokens)}
    assert (await at_work.api.request(method, path, headers=headers)).status == status


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/uapi/nowhere"), ("GET", "/unifiedapi/x/"), ("PATCH", EVENTS), ("OPTIONS", EVENTS)],
)
async def test_nobody_is_told_what_there_is(
    at_work: Stage, tokens: dict[str, str], method: str, path: str
) -> None:
    for header in NOBODY.values():
        headers = {} if header is None else {"Authorization": header.format(**tokens)}
        answer = await at_work.api.request(method, path, headers=headers)
        assert answer.error == (401, "access_denied")
