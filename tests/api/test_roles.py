"""Who may use what: users, users for an organization, and administrators."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.calls import CallsInMemory, a_call, a_view
from tests.api.running import NEW_EVENT, RunningApi, StartApi

JOHN, JANE, OFFICE, OTHER_OFFICE, ROOT = 12, 13, 3, 4, 1
SECTIONS: dict[str, Any] = {
    "organizations": [
        {"id": "3", "name": "Three", "prefix": "0003"},
        {"id": "4", "name": "Four", "prefix": "0004"},
    ],
    "users": [
        {"id": ROOT, "name": "Root", "organization": "3", "role": "administrator"},
        {"id": OFFICE, "name": "Office", "organization": "3", "role": "organization"},
        {"id": OTHER_OFFICE, "name": "Other", "organization": "4", "role": "organization"},
        {"id": JOHN, "name": "John", "organization": "3", "extensions": ["0003*210"]},
        {"id": JANE, "name": "Jane", "organization": "4", "extensions": ["0004*210"]},
    ],
    "extensions": [],
}
# Owned by John, by nobody but of his organization, by Jane.
EXTENSIONS = ("0003*210", "0003*211", "0004*210")
MAY_USE = {
    JOHN: {"0003*210"},
    JANE: {"0004*210"},
    OFFICE: {"0003*210", "0003*211"},
    OTHER_OFFICE: {"0004*210"},
    ROOT: set(EXTENSIONS),
}
MAY_ACT_FOR = {
    JOHN: {JOHN},
    JANE: {JANE},
    OFFICE: {OFFICE, JOHN},
    OTHER_OFFICE: {OTHER_OFFICE, JANE},
    ROOT: {ROOT, OFFICE, OTHER_OFFICE, JOHN, JANE},
}


@pytest.fixture
async def api(start_api: StartApi) -> AsyncIterator[RunningApi]:
    """Each extension has one call, whose id is its number without the star."""
    async with start_api(**SECTIONS) as running:
        running.service.calls = CallsInMemory(
            running.service.directory,
            *(
                a_call(
                    id=number.replace("*", ""), extension=number, views=(a_view(extension=number),)
                )
                for number in EXTENSIONS
            ),
        )
        yield running


async def listed(api: RunningApi, path: str) -> tuple[int, object]:
    """The status and the ids of the calls, or the code of the error."""
    answer = await api.get(path)
    if answer.status >= 400:
        return answer.error
    return answer.status, [entry["id"] for entry in answer.body["entry"]]


@pytest.mark.parametrize("caller", MAY_USE)
@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("me", ["@me", "@viewer", "@owner"])
async def test_the_calls_of_an_extension_are_for_who_may_use_it(
    api: RunningApi, caller: int, extension: str, me: str
) -> None:
    api.token = await api.new_token(caller)
    expected = (
        (200, [extension.replace("*", "")])
        if extension in MAY_USE[caller]
        else (401, "access_denied")
    )
    assert await listed(api, f"/uapi/phoneCalls/{me}/{extension}") == expected


@pytest.mark.parametrize("caller", MAY_USE)
@pytest.mark.parametrize("user", MAY_USE)
async def test_self_is_all_that_the_named_user_may_use(
    api: RunningApi, caller: int, user: int
) -> None:
    api.token = await api.new_token(caller)
    usable = [number.replace("*", "") for number in EXTENSIONS if number in MAY_USE[user]]
    expected = (200, usable) if user in MAY_ACT_FOR[caller] else (401, "access_denied")
    assert await listed(api, f"/uapi/phoneCalls/{user:04}/@self") == expected


@pytest.mark.parametrize("caller", MAY_USE)
async def test_self_of_me_is_all_that_the_tokens_user_may_use(api: RunningApi, caller: int) -> None:
    api.token = await api.new_token(caller)
    usable = [number.replace("*", "") for number in EXTENSIONS if number in MAY_USE[caller]]
    assert await listed(api, "/uapi/phoneCalls/@me/@self") == (200, usable)


@pytest.mark.parametrize("caller", MAY_USE)
@pytest.mark.parametrize("user", MAY_USE)
@pytest.mark.parametrize("extension", EXTENSIONS)
async def test_the_events_of_an_extension_are_for_who_may_use_it_and_act_for_the_user(
    api: RunningApi, caller: int, user: int, extension: str
) -> None:
    api.token = await api.new_token(caller)
    path = f"/uapi/extensions/{user}/{extension}/phoneCallEvents"
    answer = await api.post(path, NEW_EVENT)
    if user in MAY_ACT_FOR[caller] and extension in MAY_USE[user]:
        assert answer.status == 201
        assert f"/extensions/{user}/{extension}/" in answer.body["links"]["self"]
        assert (await api.get(f"{path}/0/{answer.body['id']}")).status == 200
        assert (await api.delete(path)).status == 200
    else:
        assert answer.error == (400, "pce_access_denied")
        assert (await api.get(path)).error == (400, "pce_access_denied")


async def test_events_that_the_organization_made_are_its_users_too(api: RunningApi) -> None:
    api.token = await api.new_token(OFFICE)
    made = await api.post(f"/uapi/extensions/{JOHN}/210/phoneCallEvents", NEW_EVENT)
    assert made.status == 201
    api.token = await api.new_token(JOHN)
    answer = await api.get("/uapi/extensions/@me/0003*210/phoneCallEvents")
    assert [entry["id"] for entry in answer.body["entry"]] == [made.body["id"]]


async def test_a_short_form_is_seen_from_the_named_user(api: RunningApi) -> None:
    api.token = await api.new_token(ROOT)
    assert await listed(api, f"/uapi/phoneCalls/{JANE}/210") == (200, ["0004210"])
    assert await listed(api, f"/uapi/phoneCalls/{JOHN}/210") == (200, ["0003210"])
    assert await listed(api, f"/uapi/phoneCalls/{JOHN}/211") == (400, "extension_invalid")


@pytest.mark.parametrize("caller", [OFFICE, ROOT])
@pytest.mark.parametrize(
    ("user", "extension", "error"),
    [
        ("99", "0003*210", (400, "user_invalid")),
        ("@nobody", "0003*210", (400, "user_invalid")),
        ("@me", "0009*210", (400, "extension_invalid")),
        ("@me", "trunk", (400, "extension_invalid")),
    ],
)
async def test_what_is_not_there_is_so_for_every_role(
    api: RunningApi, caller: int, user: str, extension: str, error: tuple[int, str]
) -> None:
    api.token = await api.new_token(caller)
    assert await listed(api, f"/uapi/phoneCalls/{user}/{extension}") == error


async def test_the_owner_of_a_call_is_the_organization_with_its_prefix(api: RunningApi) -> None:
    api.token = await api.new_token(OFFICE)
    (call,) = (await api.get("/uapi/phoneCalls/@me/0003*211")).body["entry"]
    assert (call["ownerId"], call["ownerName"]) == ("3", "Three")
