"""The daemon goes and comes back while calls go on; the PBX goes and comes back."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.holding import hear, hear_each_other, nothing_is_left, talk
from tests.pbx.manager import ami
from tests.pbx.receiver import URL, Receiver
from tests.pbx.test_events import ALL_TYPES, ANSWER_IN, DIAL_IN, HANGUP, story
from tests.pbx.uapid import BASE_URL, SETTINGS, Uapid


def shape(call: dict[str, Any]) -> Any:
    views = [(view["id"], view["extension"], view["status"]) for view in call["phoneCallView"]]
    return call["id"], views, call["published"], call["answered"]


@pytest.mark.parametrize("end", [Uapid.stop, Uapid.kill], ids=["SIGTERM", "SIGKILL"])
async def test_a_call_outlives_the_daemon(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn, end: Any
) -> None:
    for type in ALL_TYPES:
        await app.register("0003*211", type, f"{URL}/0003*211/{type}")
    ana, bob = await talk(plug_in, "0003*210", "0003*211")
    await receiver.wait_for(2)
    (before,) = await app.calls()
    status = await end(uapid)
    assert status == (0 if end is Uapid.stop else -9)
    await uapid.start()
    await uapid.until_connected()
    (after,) = await app.calls()
    assert shape(after) == shape(before)

    await ana.hang_up()
    await bob.ended()
    await receiver.wait_for(3)
    await uapid.until_all_is_over()
    assert story(receiver.received, "0003*211") == [
        (DIAL_IN, "CALLING", "in"),
        (ANSWER_IN, "ANSWER", "in"),
        (HANGUP, "ANSWER", "in"),
    ]


@pytest.mark.parametrize("end", [Uapid.stop, Uapid.kill], ids=["SIGTERM", "SIGKILL"])
async def test_a_call_that_ends_while_the_daemon_is_away_has_its_hangup(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn, end: Any
) -> None:
    await app.register("0003*211", HANGUP, f"{URL}/hangup")
    ana, bob = await talk(plug_in, "0003*210", "0003*211")
    (call,) = await app.calls()
    await end(uapid)
    await ana.hang_up()
    await bob.ended()
    assert receiver.received == []
    await uapid.start()
    (webhook,) = await receiver.wait_for(1)
    assert webhook.parameters["CallAPIID"] == call["id"]
    assert webhook.parameters["CallStatus"] == "ANSWER"
    assert webhook.parameters["CallerExtension"] == "0003*210"
    assert webhook.headers["uapid-seen"] == "reconstructed"
    await uapid.until_all_is_over()
    assert len(receiver.received) == 1


async def test_a_call_that_begins_while_the_daemon_is_away_is_told_late(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    for type in ALL_TYPES:
        await app.register("0003*211", type, f"{URL}/0003*211/{type}")
    await uapid.stop()
    ana, bob = await talk(plug_in, "0003*210", "0003*211")
    await uapid.start()
    await receiver.wait_for(2)
    assert {webhook.headers["uapid-seen"] for webhook in receiver.received} == {"late"}
    await ana.hang_up()
    await bob.ended()
    await receiver.wait_for(3)
    await uapid.until_all_is_over()
    assert story(receiver.received, "0003*211") == [
        (DIAL_IN, "CALLING", "in"),
        (ANSWER_IN, "ANSWER", "in"),
        (HANGUP, "ANSWER", "in"),
    ]
    assert receiver.received[-1].headers["uapid-seen"] == "live"


async def test_a_view_number_is_not_used_again_after_a_restart(
    uapid: Uapid, app: Client, plug_in: PlugIn
) -> None:
    ana = await plug_in("0003*210")
    cleo, dan = await plug_in("0003*024"), await plug_in("0003*025")
    await ana.call("0003*600")
    await asyncio.gather(cleo.ringing(), dan.ringing())
    await dan.answer()
    await cleo.ended()
    (before,) = await app.calls_until(lambda calls: len(calls[0]["phoneCallView"]) == 2)
    await uapid.kill()
    await uapid.start()
    await uapid.until_connected()
    (after,) = await app.calls()
    assert [v["id"] for v in after["phoneCallView"]] == [v["id"] for v in before["phoneCallView"]]
    assert "03" in {view["id"] for view in after["phoneCallView"]} | {"02"}


async def test_a_delivery_that_failed_is_sent_after_a_restart(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    await app.register("0003*211", DIAL_IN, f"{URL}/in")
    receiver.status = 500
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    await ana.call("0003*211")
    await bob.ringing()
    await receiver.wait_for(1)
    await uapid.stop()
    receiver.status = 200
    await uapid.start()
    first, second = await receiver.wait_for(2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


@pytest.mark.parametrize("end", [Uapid.stop, Uapid.kill], ids=["SIGTERM", "SIGKILL"])
async def test_a_hold_outlives_the_daemon_and_can_be_resumed(
    uapid: Uapid, app: Client, plug_in: PlugIn, asterisk: Asterisk, end: Any
) -> None:
    one, two = await talk(plug_in, "0003*210", "0003*211")
    (channel,) = [c.name for c in asterisk.channels() if c.name.startswith("PJSIP/0003*210")]
    await ami("Setvar", Channel=channel, Variable="VOLUME(RX)", Value="-2")
    (call,) = await app.calls()
    held = await app.hold(call, "0003*210")
    await end(uapid)
    await hear(one, ".", two, "M")
    await uapid.start()
    await uapid.until_connected()
    (known,) = await app.calls()
    assert known["phoneCallView"][0]["onHold"] == held.body["phoneCallView"][0]["onHold"]
    answer = await app.resume(call, "0003*210")
    assert answer.status == 200
    await hear_each_other(one, two)
    await nothing_is_left(asterisk)
    assert "Value: -2.000000" in await ami("Getvar", Channel=channel, Variable="VOLUME(RX)")


async def test_a_call_that_began_before_the_daemon_is_seen(
    asterisk: Asterisk, plug_in: PlugIn, tmp_path: Path
) -> None:
    one, two = await talk(plug_in, "0003*210", "0003*211")
    async with Uapid(tmp_path) as uapid:
        await uapid.until_connected()
        async with Client(BASE_URL, await uapid.token()) as app:
            (call,) = await app.calls("0003*211")
            assert [v["extension"] for v in call["phoneCallView"]] == ["0003*210", "0003*211"]
            assert {v["status"] for v in call["phoneCallView"]} == {"5"}
            assert call["phoneCallView"][1]["source"] == ["0003*210"]
            answer = await app.hold(call, "0003*211", "02")
            assert answer.status == 200
            await hear(one, "M", two, ".")


async def test_what_the_phones_do_about_holding_while_the_daemon_is_away_is_seen(
    uapid: Uapid, app: Client, plug_in: PlugIn
) -> None:
    ana, _ = await talk(plug_in, "0003*210", "0003*211")

    def holds(calls: list[dict[str, Any]]) -> bool:
        return "holder" in calls[0]["phoneCallView"][0]

    for change, held in ((ana.hold, True), (ana.unhold, False)):
        await uapid.stop()
        await change()
        await uapid.start()
        await uapid.until_connected()
        (call,) = await app.calls()
        assert holds([call]) is held
    await ana.hold()
    await app.calls_until(holds)
    await uapid.stop()
    await ana.unhold()
    await uapid.start()
    await uapid.until_connected()
    assert not holds(await app.calls())


async def test_a_pbx_that_is_away_is_no_reason_not_to_serve(
    asterisk: Asterisk, receiver: Receiver, plug_in: PlugIn, tmp_path: Path
) -> None:
    asterisk.shut_down()
    try:
        async with Uapid(tmp_path) as uapid, Client(BASE_URL, await uapid.token()) as app:
            await app.register("0003*211", DIAL_IN, f"{URL}/in")
            answer = await app.get("/phoneCalls/@me/0003*211")
            assert answer.status == 503
            assert answer.body["error"]["code"] == "pbx_unavailable"
            assert int(answer.headers["Retry-After"]) > 0
            asterisk.revive()
            await uapid.until_connected()
            ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
            await ana.call("0003*211")
            await bob.ringing()
            await receiver.wait_for(1)
    finally:
        asterisk.revive()


async def test_a_wrong_secret_is_told_and_the_api_serves(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    wrong = SETTINGS.replace("uapid-secret", "guessed")
    async with Uapid(tmp_path, wrong) as uapid, Client(BASE_URL, await uapid.token()) as app:
        await uapid.until_logged("AMI refused Login")
        answer = await app.get("/phoneCalls/@me/@self")
        assert answer.status == 503
        assert answer.body["error"]["code"] == "pbx_unavailable"
        assert "Authentication failed" in uapid.log()
        assert "guessed" not in uapid.log()
