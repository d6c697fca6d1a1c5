"""What the UAPI has and this daemon does not have yet."""

import pytest

from tests.api.running import RunningApi

EXTENSION = "/uapi/extensions/@me/0003*210"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/uapi/phoneCalls/@me/simple"),
        ("POST", "/unifiedapi/phoneCalls/@me/simple/"),
        ("POST", "/uapi/phoneCalls/@me/callback"),
        ("POST", "/uapi/phoneCalls/@me/conferenceInvite"),
        ("DELETE", "/uapi/phoneCalls/@me/0003*210"),
        ("DELETE", "/uapi/phoneCalls/@me/0003*210/b817d2618fe6f1804333"),
        ("GET", "/uapi/cdr"),
        ("GET", "/uapi/cdr/@me/"),
        ("GET", "/uapi/cdr/stats/@me"),
        ("GET", f"{EXTENSION}/presence"),
        ("GET", f"{EXTENSION}/queue/agents"),
        ("PUT", f"{EXTENSION}/queue/agents/0003*211"),
        ("POST", "/uapi/faxes/@me/0003*210"),
    ],
)
async def test_after_authentication(api: RunningApi, method: str, path: str) -> None:
    assert (await api.request(method, path)).error == (501, "request_not_implemented")
    assert (await api.request(method, path, headers={})).error == (401, "access_denied")


@pytest.mark.parametrize(
    "path", ["/oauth/authorize.php", "/oauth/authorize", "/oauth/register.php", "/oauth/register/"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_consent_of_a_user_needs_no_token(
    api: RunningApi, method: str, path: str
) -> None:
    answer = await api.request(method, path, headers={})
    assert answer.error == (501, "request_not_implemented")
