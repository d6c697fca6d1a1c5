"""The PBX freezes, dies and restarts, and the network to it breaks and heals, with calls up.

Each time: the lines notice, are right again in time, and tell of it in a way that can be read.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.proxy import ADDRESS, THROUGH_THE_NETWORK, Network
from tests.pbx.receiver import URL, Receiver
from tests.pbx.test_events import HANGUP
from tests.pbx.uapid import BASE_URL, Uapid

NOTICED_SECONDS = 10.0
BACK_SECONDS = 5.0
FROZEN_SECONDS = 30.0


@pytest.fixture
async def network(asterisk: Asterisk) -> AsyncIterator[Network]:
    async with Network() as network:
        yield network


@pytest.fixture
async def uapid(network: Network, tmp_path: Path) -> AsyncIterator[Uapid]:
    """The daemon, whose lines lead through the network."""
    async with Uapid(tmp_path, THROUGH_THE_NETWORK) as uapid:
        await uapid.until_connected()
        yield uapid


async def readiness() -> tuple[int, dict[str, Any]]:
    """Status and body of GET /ready, asked as monitoring does."""
    async with aiohttp.ClientSession() as session, session.get(f"{BASE_URL}/ready") as answer:
        return answer.status, await answer.json()


async def until_readiness_is(status: int, within: float) -> dict[str, Any]:
    """The body once the status is this; fails with what it is when that takes too long."""
    deadline = time.monotonic() + within
    while True:
        now, body = await readiness()
        if now == status:
            return body
        assert time.monotonic() < deadline, f"not {status} within {within:g} s: {body}"
        await asyncio.sleep(0.05)


async def noticed() -> dict[str, Any]:
    """Both lines are found to be down in time; what readiness says of them."""
    deadline = time.monotonic() + NOTICED_SECONDS
    while True:
        body = await until_readiness_is(503, deadline - time.monotonic())
        lines: dict[str, Any] = body["lines"]
        if {line["state"] for line in lines.values()} == {"down"}:
            assert body["error"]["code"] == "pbx_unavailable"
            return lines
        assert time.monotonic() < deadline, body
        await asyncio.sleep(0.05)


async def back() -> None:
    """Both lines are up again in time."""
    await until_readiness_is(200, BACK_SECONDS)


async def talk(plug_in: PlugIn, caller: str, called: str) -> Any:
    """Two phones in conversation; audio is not of interest here."""
    one, two = await plug_in(caller), await plug_in(called)
    two.will_answer()
    await one.call(called)
    await asyncio.gather(one.answered(), two.answered())
    return one, two


async def two_calls(app: Client, plug_in: PlugIn) -> tuple[Any, Any, list[dict[str, Any]]]:
    """210 talks to 211 and 024 to 025; the receiver is told when 211 and 025 hang up."""
    for called in ("0003*211", "0003*025"):
        await app.register(called, HANGUP, f"{URL}/{called}")
    first = await talk(plug_in, "0003*210", "0003*211")
    second = await talk(plug_in, "0003*024", "0003*025")
    calls = await app.calls_until(lambda calls: [status_of(call) for call in calls] == ["55"] * 2)
    return first, second, calls


def status_of(call: dict[str, Any]) -> str:
    return "".join(view["status"] for view in call["phoneCallView"])


def ids(calls: list[dict[str, Any]]) -> list[Any]:
    return [(call["id"], [view["id"] for view in call["phoneCallView"]]) for call in calls]


async def calls_cannot_be_told(app: Client) -> None:
    answer = await app.get("/phoneCalls/@me/@self")
    assert answer.status == 503
    assert answer.body["error"]["code"] == "pbx_unavailable"


async def hung_up_once(receiver: Receiver, uapid: Uapid, *extensions: str) -> None:
    """Each of these was told of once, and no other."""
    await receiver.wait_for(len(extensions))
    await uapid.until_all_is_over()
    told = sorted(webhook.path.removeprefix("/") for webhook in receiver.received)
    assert told == sorted(extensions)


def story(uapid: Uapid, *parts: str) -> None:
    """The log has these in this order."""
    log = uapid.log()
    for part in parts:
        _, found, log = log.partition(part)
        assert found, f"{part!r} is not in the rest of the log:\n{uapid.log()}"


async def test_a_pbx_that_freezes_for_half_a_minute(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn, asterisk: Asterisk
) -> None:
    (one, _), (three, _), before = await two_calls(app, plug_in)
    frozen = time.monotonic()
    await asyncio.to_thread(asterisk.pause)
    try:
        lines = await noticed()
        assert lines["ami"]["reason"] == f"{ADDRESS}:5038: AMI gave no answer to Ping in 5 s"
        assert "No PONG received" in lines["ari"]["reason"]
        await calls_cannot_be_told(app)
        await asyncio.sleep(FROZEN_SECONDS - (time.monotonic() - frozen))
        assert (await readiness())[0] == 503
        hanging_up = asyncio.create_task(three.hang_up())
        await asyncio.sleep(0.5)
    finally:
        await asyncio.to_thread(asterisk.unpause)
    await back()
    await hanging_up
    (after,) = await app.calls_until(lambda calls: len(calls) == 1)
    assert ids([after]) == ids(before[:1]), "the call that goes on is the same"
    await one.hang_up()
    await hung_up_once(receiver, uapid, "0003*211", "0003*025")
    assert await app.calls() == []
    story(
        uapid,
        f"AMI: {ADDRESS}:5038: AMI gave no answer to Ping in 5 s; trying again",
        f"AMI: {ADDRESS}:5038: AMI gave no answer to Login in 5 s; trying again",
        f"AMI: connected to {ADDRESS}:5038",
    )
    assert uapid.log().count("gave no answer to Login") == 1, "told once, not at every attempt"
    assert "Traceback" not in uapid.log()


@pytest.mark.parametrize("end", [Asterisk.kill, Asterisk.shut_down], ids=["killed", "restarted"])
async def test_a_pbx_that_dies_and_comes_back(
    uapid: Uapid,
    app: Client,
    receiver: Receiver,
    plug_in: PlugIn,
    asterisk: Asterisk,
    end: Callable[[Asterisk], None],
) -> None:
    await two_calls(app, plug_in)
    try:
        await asyncio.to_thread(end, asterisk)
        await noticed()
        await calls_cannot_be_told(app)
    finally:
        await asyncio.to_thread(asterisk.revive)
    await back()
    assert await app.calls() == [], "no call outlives its PBX"
    await hung_up_once(receiver, uapid, "0003*211", "0003*025")
    story(uapid, f"AMI: {ADDRESS}:5038: ", "; trying again", f"AMI: connected to {ADDRESS}:5038")
    assert "Traceback" not in uapid.log()

    ana, bob = await talk(plug_in, "0003*220", "0003*221")
    (call,) = await app.calls_until(lambda calls: [status_of(call) for call in calls] == ["55"])
    assert call["phoneCallView"][0]["extension"] == "0003*220"
    await ana.hang_up()
    await bob.ended()


async def refuse(network: Network) -> None:
    await network.refuse()


async def cut(network: Network) -> None:
    network.cut()


@pytest.mark.parametrize("break_off", [cut, refuse], ids=["silent", "closed"])
async def test_a_network_that_breaks_and_heals(
    network: Network,
    uapid: Uapid,
    app: Client,
    receiver: Receiver,
    plug_in: PlugIn,
    break_off: Callable[[Network], Awaitable[None]],
) -> None:
    (one, _), (three, _), before = await two_calls(app, plug_in)
    await break_off(network)
    await noticed()
    await calls_cannot_be_told(app)
    await three.hang_up()
    assert receiver.received == []
    await network.heal()
    await back()
    assert ids(await app.calls()) == ids(before[:1]), "no ghost, and the other one is the same"
    await receiver.wait_for(1)
    await one.hang_up()
    await hung_up_once(receiver, uapid, "0003*211", "0003*025")
    assert "Traceback" not in uapid.log()


async def test_a_network_that_is_slow_and_cuts_everything_to_pieces(
    network: Network, uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    for link in network.links:
        link.delay, link.piece = 0.1, 3
    (one, _), (three, _), _ = await two_calls(app, plug_in)
    await asyncio.gather(one.hang_up(), three.hang_up())
    await hung_up_once(receiver, uapid, "0003*211", "0003*025")
    assert await app.calls() == []
    assert (await readiness())[0] == 200
    assert "ERROR" not in uapid.log()


async def test_calls_are_told_while_ari_is_away(
    network: Network, uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    network.ari.cut()
    one, _ = await talk(plug_in, "0003*210", "0003*211")
    (call,) = await app.calls_until(lambda calls: [status_of(call) for call in calls] == ["55"])
    holding = asyncio.create_task(app.hold(call, "0003*210"))
    body = await until_readiness_is(503, NOTICED_SECONDS)
    states = {name: line["state"] for name, line in body["lines"].items()}
    assert states == {"ami": "up", "ari": "down"}
    assert (await holding).status in (202, 503), "and it is never said to be held"
    await app.register("0003*211", HANGUP, f"{URL}/0003*211")
    await one.hang_up()
    await hung_up_once(receiver, uapid, "0003*211")
    await network.heal()
    await back()
