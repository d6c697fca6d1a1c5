"""The live calls of the real PBX over the UAPI: each step of a call, the OnHold page, errors."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.api.seed_differences import ACCEPTED, OF_THE_MOMENT
from tests.api.seed_pages import compare, read_example
from tests.pbx.client import Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.uapid import ADDRESS, PORT, Uapid

TRYING, RINGING, OTHER_SIDE_RINGING, ON_CALL = "2", "3", "4", "5"


def views(call: dict[str, Any]) -> list[tuple[str, str | None, str]]:
    return [(v["id"], v.get("extension"), v["status"]) for v in call["phoneCallView"]]


async def test_each_step_of_a_local_call(app: Client, plug_in: PlugIn) -> None:
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    assert await app.calls() == []
    await ana.call("0003*211", caller_name="Ana")
    await ana.ringing()
    (ringing,) = await app.calls_until(
        lambda calls: (
            views(calls[0]) == [("01", "0003*210", OTHER_SIDE_RINGING), ("02", "0003*211", RINGING)]
        ),
        "0003*211",
    )
    assert "answered" not in ringing
    assert ringing["phoneCallView"][1]["ringing"]
    for view in ringing["phoneCallView"]:
        assert view["source"] == ["0003*210"]
        assert view["destination"] == ["0003*211"]
        assert view["callerId"] == "Ana <0003*210>"
        assert view["flow"] == "2"

    await bob.answer()
    await ana.answered()
    (talking,) = await app.calls_until(lambda calls: "answered" in calls[0], "0003*210")
    assert talking["id"] == ringing["id"]
    assert views(talking) == [("01", "0003*210", ON_CALL), ("02", "0003*211", ON_CALL)]

    (single,) = (await app.get(f"/phoneCalls/12/@self/{talking['id']}")).body["entry"]
    assert single["phoneCallView"] == talking["phoneCallView"]
    link = talking["links"]["self"].removeprefix(app.base_url + "/uapi")
    assert (await app.get(link)).body["entry"] == [talking]

    await bob.hang_up()
    await app.calls_until(lambda calls: not calls)
    assert (await app.get(link)).status == 204


async def test_a_ring_group_shows_each_phone_and_then_the_one_that_answered(
    app: Client, plug_in: PlugIn
) -> None:
    ana = await plug_in("0003*210")
    cleo, dan = await plug_in("0003*024"), await plug_in("0003*025")
    await ana.call("0003*600")
    await asyncio.gather(cleo.ringing(), dan.ringing())
    await app.calls_until(
        lambda calls: (
            views(calls[0])
            == [
                ("01", "0003*210", OTHER_SIDE_RINGING),
                ("02", "0003*024", RINGING),
                ("03", "0003*025", RINGING),
            ]
        ),
        "0003*210",
    )
    await dan.answer()
    await asyncio.gather(ana.answered(), cleo.ended())
    (talking,) = await app.calls_until(lambda calls: len(calls[0]["phoneCallView"]) == 2)
    assert views(talking) == [("01", "0003*210", ON_CALL), ("03", "0003*025", ON_CALL)]
    assert talking["phoneCallView"][0]["destination"] == ["0003*025"]
    assert await app.calls("0003*024") == []


async def test_a_call_from_outside_and_one_to_outside_show_their_flow(
    app: Client, plug_in: PlugIn
) -> None:
    trunk = await plug_in("trunk")
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    ana.will_answer()
    trunk.will_answer()
    await trunk.call("40311234567", caller_name="Public", caller_number="40721000111")
    await ana.answered()
    (incoming,) = await app.calls_until(
        lambda calls: len(calls[0]["phoneCallView"]) == 2, "0003*210"
    )
    assert incoming["extension"] == "0003*210"
    assert [v["flow"] for v in incoming["phoneCallView"]] == ["8", "8"]
    assert [v.get("extension") for v in incoming["phoneCallView"]] == [None, "0003*210"]
    assert incoming["phoneCallView"][1]["source"] == ["40721000111"]
    assert incoming["phoneCallView"][1]["callerId"] == "Public <40721000111>"

    await bob.call("0721000222")
    await bob.answered()
    (outgoing,) = await app.calls_until(
        lambda calls: len(calls[0]["phoneCallView"]) == 2, "0003*211"
    )
    assert outgoing["extension"] == "0003*211"
    assert [v["flow"] for v in outgoing["phoneCallView"]] == ["4", "4"]
    assert outgoing["phoneCallView"][0]["destination"] == ["0721000222"]
    assert {call["id"] for call in await app.calls()} == {incoming["id"], outgoing["id"]}


async def test_a_user_sees_no_call_of_others(app: Client, uapid: Uapid, plug_in: PlugIn) -> None:
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    await ana.call("0003*211")
    await bob.ringing()
    (call,) = await app.calls()
    async with Client(app.base_url, await uapid.token(user=13)) as other:
        assert await other.calls() == []
        answer = await other.put(
            f"/phoneCalls/@me/@self/{call['id']}", {"action": "OnHold", "phoneCallViewId": "01"}
        )
        assert answer.body["error"]["code"] == "pc_phonecall_invalid"
        assert (await other.get("/phoneCalls/@me/0003*210")).status == 401


async def test_the_example_of_the_on_hold_page(app: Client, uapid: Uapid, plug_in: PlugIn) -> None:
    request, (_, page) = read_example("on_hold")
    ana, cleo = await plug_in("0003*210"), await plug_in("0003*024")
    cleo.will_answer()
    await ana.call("0003*024", caller_name="John Doe", caller_number="3333")
    await asyncio.gather(ana.answered(), cleo.answered())
    (call,) = await app.calls_until(lambda calls: "answered" in calls[0])

    target = request.target.replace(page.body["id"], call["id"])
    status, answer = await send(replace(request, target=target).as_bytes(await uapid.token()))
    assert status == page.status
    # What it says of this very call; the caller's name and number are those of the page here.
    of_the_moment = OF_THE_MOMENT["on_hold 200"] - {"phoneCallView[0].callerId"}
    differences = {d.path for d in compare(page.body, answer, of_the_moment)}
    assert differences <= set(ACCEPTED["on_hold 200"]), differences
    await cleo.hears("M")


async def send(request: bytes) -> tuple[int, Any]:
    """Status and body of the answer to these very bytes."""
    reader, writer = await asyncio.open_connection(ADDRESS, PORT)
    writer.write(request)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize("call_id", ["b817d2618fe6f1804333", "no-id"])
async def test_a_call_that_does_not_exist_cannot_be_held(app: Client, call_id: str) -> None:
    body = {"action": "OnHold", "phoneCallViewId": "01"}
    answer = await app.put(f"/phoneCalls/@me/0003*210/{call_id}", body)
    assert answer.status == 400
    assert answer.body["error"]["code"] == "pc_phonecall_invalid"
    assert call_id in answer.body["error"]["message"]


async def test_a_view_must_be_one_of_the_call(app: Client, plug_in: PlugIn) -> None:
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    bob.will_answer()
    await ana.call("0003*211")
    await ana.answered()
    (call,) = await app.calls()
    for view in ({"phoneCallViewId": "03"}, {"phoneCallViewId": 1}, {}):
        answer = await app.put(
            f"/phoneCalls/@me/0003*210/{call['id']}", {"action": "OnHold", **view}
        )
        assert answer.status == 400
        assert answer.body["error"]["code"] == "pc_phonecallview_invalid"
        assert "01, 02" in answer.body["error"]["message"]
