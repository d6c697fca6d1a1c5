"""Extensions that are called otherwise on the PBX, and that are found there."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.receiver import Receiver
from tests.pbx.test_events import (
    ANSWER_IN,
    ANSWER_OUT,
    DIAL_IN,
    DIAL_OUT,
    HANGUP,
    no_more_than,
    parameters,
    register_all,
    story,
)
from tests.pbx.uapid import BASE_URL, SETTINGS, Uapid

ANA, BOB, QUEUE, ROOM, MENU = "0005*310", "0005*311", "0005*400", "0005*8000", "0005*1"
ACME = """
[[organizations]]
id = "5"
name = "Acme"
prefix = "0005"
endpoints = ["{3XX}"]
queues = ["{4XX}"]
conferences = ["{8XXX}"]
ivrs = ["ivr-{X!}"]

[[users]]
id = 5
name = "Acme's office"
organization = "5"
role = "organization"
"""
# The PBX is asked every 5 s.
FOUND_SECONDS = 15.0


@pytest.fixture
async def uapid(asterisk: Asterisk, tmp_path: Path) -> AsyncIterator[Uapid]:
    async with Uapid(tmp_path, SETTINGS + ACME) as uapid:
        await uapid.until_connected()
        yield uapid


@pytest.fixture
async def app(uapid: Uapid) -> AsyncIterator[Client]:
    """An app of a user who may use all of the organization."""
    async with Client(BASE_URL, await uapid.token(5)) as client:
        yield client


async def test_a_call_between_endpoints_without_a_prefix_is_told_by_their_numbers(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    await register_all(app, ANA)
    await register_all(app, BOB)
    ana, bob = await plug_in("310"), await plug_in("311")
    bob.will_answer()
    await ana.call("311")
    await asyncio.gather(ana.answered(), bob.answered())
    (call,) = await app.calls(BOB)
    assert call["extension"] == ANA
    assert (call["ownerId"], call["ownerName"]) == ("5", "Acme")
    assert [view["extension"] for view in call["phoneCallView"]] == [ANA, BOB]
    assert [view["source"] for view in call["phoneCallView"]] == [[ANA], [ANA]]
    assert [view["destination"] for view in call["phoneCallView"]] == [[BOB], [BOB]]
    for spelling in (ANA, "310", "311", "@self"):
        assert [found["id"] for found in await app.calls(spelling)] == [call["id"]]
    await ana.hang_up()
    webhooks = await no_more_than(receiver, uapid, 6)
    assert [type for type, _, _ in story(webhooks, ANA)] == [DIAL_OUT, ANSWER_OUT, HANGUP]
    assert [type for type, _, _ in story(webhooks, BOB)] == [DIAL_IN, ANSWER_IN, HANGUP]
    for webhook in webhooks:
        assert webhook.parameters["CallerExtension"] == ANA
        assert webhook.parameters["CalledExtension"] == BOB
        assert webhook.parameters["CalledNumber"] == "311"


async def test_a_call_between_endpoints_without_a_prefix_is_held(
    uapid: Uapid, app: Client, plug_in: PlugIn
) -> None:
    ana, bob = await plug_in("310"), await plug_in("311")
    bob.will_answer()
    await ana.call("311")
    await asyncio.gather(ana.answered(), bob.answered())
    (call,) = await app.calls(ANA)
    answer = await app.hold(call, ANA)
    assert answer.status == 200
    assert [view.get("holder") for view in answer.body["phoneCallView"]] == [1, None]


@pytest.mark.parametrize(("dialled", "extension"), [("400", QUEUE), ("8000", ROOM), ("1000", MENU)])
async def test_a_caller_in_a_queue_a_room_or_a_menu_that_was_found_is_told_of(
    uapid: Uapid,
    app: Client,
    receiver: Receiver,
    plug_in: PlugIn,
    dialled: str,
    extension: str,
) -> None:
    await register_all(app, extension)
    ana, bob = await plug_in("310"), await plug_in("311")
    bob.will_answer()
    await ana.call(dialled)
    # Each of the three is left after somebody, or Asterisk itself, has answered there.
    await receiver.wait_for(2)
    (call,) = await app.calls(extension)
    assert call["extension"] == ANA
    await ana.hang_up()
    webhooks = await no_more_than(receiver, uapid, 3)
    assert [type for type, _, _ in story(webhooks, extension)] == [DIAL_IN, ANSWER_IN, HANGUP]
    told = parameters(webhooks, extension, DIAL_IN)
    assert told["CallerExtension"] == ANA
    assert told["CalledExtension"] == extension
    assert told["CalledNumber"] == dialled


async def test_what_a_reload_of_the_pbx_brings_is_known_soon_and_so_is_what_it_takes(
    uapid: Uapid, app: Client, asterisk: Asterisk
) -> None:
    new = {
        "0005*399": ("pjsip.conf", "[399]\ntype = endpoint\ncontext = acme"),
        "0005*499": ("queues.conf", "[499]\nstrategy = ringall"),
        "0005*9": ("extensions.conf", "[ivr-9]\nexten => s,1,Answer()"),
    }
    reload = ["module reload res_pjsip.so", "queue reload all", "dialplan reload"]
    await until_known(app, new, known=False)
    with asterisk.more(dict(new.values()), reload):
        await until_known(app, new, known=True)
    # ARI goes on listing an endpoint that was taken away until Asterisk starts anew.
    del new["0005*399"]
    await until_known(app, new, known=False)


async def until_known(app: Client, extensions: Iterable[str], *, known: bool) -> None:
    """Wait until each of these is an extension, or none is."""
    async with asyncio.timeout(FOUND_SECONDS):
        for extension in extensions:
            while (await app.get(f"/phoneCalls/@me/{extension}")).status != (204 if known else 400):
                await asyncio.sleep(0.1)
