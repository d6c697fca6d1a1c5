"""An OnHold that the PBX does not carry out: nothing of it is left, and nobody notices."""

from pathlib import Path

import aiohttp
import pytest

from tests.pbx.asterisk import ARI_PASSWORD, ARI_URL, ARI_USERNAME, Asterisk
from tests.pbx.client import Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.holding import hear, hear_each_other, nothing_is_left, talk
from tests.pbx.uapid import BASE_URL, SETTINGS, Uapid


def with_username(section: str, username: str) -> str:
    """The settings with another user for one of the two lines."""
    before, found, after = SETTINGS.partition(f"[{section}]")
    return before + found + after.replace('username = "uapid"', f'username = "{username}"', 1)


async def test_a_pbx_that_is_slow_answers_later_and_the_truth_is_in_get(
    uapid: Uapid, app: Client, asterisk: Asterisk, plug_in: PlugIn
) -> None:
    one, two = await talk(plug_in, "0003*210", "0003*211")
    (call,) = await app.calls()
    asterisk.pause()
    try:
        answer = await app.hold(call, "0003*210")
        assert answer.status == 202
        assert set(answer.body) == {"id", "extension", "link"}
        (call,) = await app.calls()
        assert "holder" not in call["phoneCallView"][0]
    finally:
        asterisk.unpause()
    await app.calls_until(lambda calls: "holder" in calls[0]["phoneCallView"][0])
    await hear(one, ".", two, "M")


async def test_a_pbx_that_is_silent_for_longer_ends_in_no_hold_and_nothing_left(
    uapid: Uapid, app: Client, asterisk: Asterisk, plug_in: PlugIn
) -> None:
    one, two = await talk(plug_in, "0003*210", "0003*211")
    (call,) = await app.calls()
    asterisk.pause()
    try:
        assert (await app.hold(call, "0003*210")).status == 202
        await uapid.until_logged("not held: AMI gave no answer to Getvar")
    finally:
        asterisk.unpause()
    (call,) = await app.calls_until(bool)
    assert "holder" not in call["phoneCallView"][0]
    await hear_each_other(one, two)
    await nothing_is_left(asterisk)


async def test_an_application_that_another_client_took_is_taken_back(
    uapid: Uapid, app: Client, asterisk: Asterisk, plug_in: PlugIn
) -> None:
    one, two = await talk(plug_in, "0003*210", "0003*211")
    events = f"{ARI_URL}/events?app=uapid&api_key={ARI_USERNAME}:{ARI_PASSWORD}"
    async with aiohttp.ClientSession() as other, other.ws_connect(events):
        await uapid.until_logged("another client has taken the application")
    await uapid.until_logged("connected to", after="another client has taken the application")
    (call,) = await app.calls()
    answer = await app.hold(call, "0003*210")
    assert answer.status == 200
    await hear(one, ".", two, "M")


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
        await nothing_is_left(asterisk)
        await hear_each_other(one, two)
