"""An OnHold that the PBX does not carry out: nothing of it is left, and nobody notices."""

from pathlib import Path

import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.test_hold import hear_each_other, nothing_is_left, talk
from tests.pbx.uapid import BASE_URL, SETTINGS, Uapid


def with_username(section: str, username: str) -> str:
    """The settings with another user for one of the two lines."""
    before, found, after = SETTINGS.partition(f"[{section}]")
    return before + found + after.replace('username = "uapid"', f'username = "{username}"', 1)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        pytest.param(
            with_username("ami", "uapid-mute"), "Permission denied", id="muting-is-refused"
        ),
        pytest.param(with_username("ari", "uapid-read"), "403", id="music-is-refused"),
    ],
)
async def test_a_step_that_fails_undoes_all(
    asterisk: Asterisk, plug_in: PlugIn, tmp_path: Path, settings: str, reason: str
) -> None:
    async with Uapid(tmp_path, settings) as uapid, Client(BASE_URL, await uapid.token()) as app:
        await uapid.until_connected()
        one, two = await talk(plug_in, "0003*210", "0003*211")
        (call,) = await app.calls()
        answer = await app.hold(call, "0003*210")
        assert answer.status == 500
        assert reason in answer.body["error"]["message"]
        (call,) = await app.calls()
        assert "holder" not in call["phoneCallView"][0]
        assert nothing_is_left(asterisk)
        await hear_each_other(one, two)
