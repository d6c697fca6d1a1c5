"""What OAuth has and this daemon does not have yet."""

import pytest

from tests.api.running import RunningApi


@pytest.mark.parametrize(
    "path", ["/oauth/authorize.php", "/oauth/authorize", "/oauth/register.php", "/oauth/register/"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_consent_of_a_user_needs_no_token(
    api: RunningApi, method: str, path: str
) -> None:
    answer = await api.request(method, path, headers={})
    assert answer.error == (501, "request_not_implemented")
