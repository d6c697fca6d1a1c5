"""What apps are told of real calls: each kind of end, each direction, each method."""

import asyncio
from typing import Any

from tests.pbx.client import Client
from tests.pbx.fixtures import PlugIn
from tests.pbx.receiver import URL, Receiver, Webhook, as_it_happened
from tests.pbx.uapid import Uapid

DIAL_IN, DIAL_OUT, HANGUP, ANSWER_IN, ANSWER_OUT = range(5)
ALL_TYPES = (DIAL_IN, DIAL_OUT, HANGUP, ANSWER_IN, ANSWER_OUT)
NAMES = [
    "CallID",
    "CallerIDNum",
    "CallerIDName",
    "CalledDID",
    "CalledExtension",
    "CallStatus",
    "CallFlow",
    "CallerExtension",
    "CalledNumber",
    "CallAPIID",
]


async def register_all(app: Client, extension: str, method: int = 1) -> None:
    """Each type at a URL of its own: /0003*210/2 is told of hang-ups of 0003*210."""
    for type in ALL_TYPES:
        await app.register(extension, type, f"{URL}/{extension}/{type}", method)


def story(webhooks: list[Webhook], extension: str) -> list[tuple[int, str, str]]:
    """Type, CallStatus and CallFlow of what an extension's receiver was sent, in order."""
    prefix = f"/{extension}/"
    return [
        (
            int(webhook.path.removeprefix(prefix)),
            webhook.parameters["CallStatus"],
            webhook.parameters["CallFlow"],
        )
        for webhook in webhooks
        if webhook.path.startswith(prefix)
    ]


def parameters(webhooks: list[Webhook], extension: str, type: int) -> dict[str, str]:
    (found,) = [w.parameters for w in webhooks if w.path == f"/{extension}/{type}"]
    return found


async def no_more_than(receiver: Receiver, uapid: Uapid, count: int) -> list[Webhook]:
    """The webhooks as it happened, after every call has ended and everything was delivered."""
    await receiver.wait_for(count)
    await uapid.until_all_is_over()
    assert len(receiver.received) == count, receiver.received
    return as_it_happened(receiver.received, uapid.store)


async def test_both_ends_of_a_local_call_are_told_of_dial_answer_and_hangup(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    await register_all(app, "0003*210")
    await register_all(app, "0003*211")
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    bob.will_answer()
    await ana.call("0003*211", caller_name="Ana")
    await asyncio.gather(ana.answered(), bob.answered())
    (call,) = await app.calls()
    await ana.hang_up()
    webhooks = await no_more_than(receiver, uapid, 6)

    assert story(webhooks, "0003*210") == [
        (DIAL_OUT, "CALLING", "out"),
        (ANSWER_OUT, "ANSWER", "out"),
        (HANGUP, "ANSWER", "out"),
    ]
    assert story(webhooks, "0003*211") == [
        (DIAL_IN, "CALLING", "in"),
        (ANSWER_IN, "ANSWER", "in"),
        (HANGUP, "ANSWER", "in"),
    ]
    for webhook in webhooks:
        assert list(webhook.parameters) == NAMES
        assert webhook.method == "POST"
        assert webhook.parameters["CallAPIID"] == call["id"]
        assert webhook.parameters["CallerIDNum"] == "0003*210"
        assert webhook.parameters["CallerIDName"] == "Ana"
        assert webhook.parameters["CallerExtension"] == "0003*210"
        assert webhook.parameters["CalledExtension"] == "0003*211"
        assert webhook.parameters["CalledNumber"] == "0003*211"
        assert webhook.parameters["CalledDID"] == ""
    assert len({w.headers["webhook-id"] for w in webhooks}) == 6
    assert len({parameters(webhooks, "0003*210", t)["CallID"] for t in (1, 2, 4)}) == 1


async def test_get_joins_the_parameters_to_the_query_that_the_url_has(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    await app.register("0003*211", DIAL_IN, f"{URL}/in?key=a%26b", method=0)
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    await ana.call("0003*211")
    await bob.ringing()
    (webhook,) = await receiver.wait_for(1)
    assert webhook.method == "GET"
    assert list(webhook.parameters) == ["key", *NAMES]
    assert webhook.parameters["key"] == "a&b"
    assert webhook.parameters["CallStatus"] == "CALLING"


async def test_a_disabled_event_is_not_told(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    await app.register("0003*211", DIAL_IN, f"{URL}/off", status=0)
    await app.register("0003*211", HANGUP, f"{URL}/on")
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    await ana.call("0003*211")
    await bob.ringing()
    await ana.hang_up()
    (webhook,) = await no_more_than(receiver, uapid, 1)
    assert webhook.path == "/on"


async def test_the_called_phone_hangs_up(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    await register_all(app, "0003*210")
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    bob.will_answer()
    await ana.call("211")
    await ana.answered()
    await bob.hang_up()
    webhooks = await no_more_than(receiver, uapid, 3)
    assert story(webhooks, "0003*210")[-1] == (HANGUP, "ANSWER", "out")
    assert parameters(webhooks, "0003*210", HANGUP)["CalledNumber"] == "211"
    assert parameters(webhooks, "0003*210", DIAL_OUT)["CalledExtension"] == "0003*211"


async def unanswered(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn, status: int
) -> tuple[list[Any], list[Any]]:
    await register_all(app, "0003*210")
    await register_all(app, "0003*211")
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    bob.will_reject(status)
    await ana.call("0003*211")
    await ana.ended()
    webhooks = await no_more_than(receiver, uapid, 4)
    return story(webhooks, "0003*210"), story(webhooks, "0003*211")


async def test_busy(uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn) -> None:
    assert await unanswered(uapid, app, receiver, plug_in, 486) == (
        [(DIAL_OUT, "CALLING", "out"), (HANGUP, "BUSY", "out")],
        [(DIAL_IN, "CALLING", "in"), (HANGUP, "BUSY", "in")],
    )


async def test_no_answer_within_the_time_of_the_dial(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    await register_all(app, "0003*210")
    await register_all(app, "0003*024")
    ana, _ = await plug_in("0003*210"), await plug_in("0003*024")
    await ana.call("0003*601")
    await ana.ended()
    webhooks = await no_more_than(receiver, uapid, 4)
    assert story(webhooks, "0003*210") == [
        (DIAL_OUT, "CALLING", "out"),
        (HANGUP, "NOANSWER", "out"),
    ]
    assert story(webhooks, "0003*024") == [(DIAL_IN, "CALLING", "in"), (HANGUP, "NOANSWER", "in")]


async def test_the_caller_gives_up(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    await register_all(app, "0003*210")
    await register_all(app, "0003*211")
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    await ana.call("0003*211")
    await bob.ringing()
    await ana.hang_up()
    webhooks = await no_more_than(receiver, uapid, 4)
    assert story(webhooks, "0003*210") == [(DIAL_OUT, "CALLING", "out"), (HANGUP, "CANCEL", "out")]
    assert story(webhooks, "0003*211") == [(DIAL_IN, "CALLING", "in"), (HANGUP, "CANCEL", "in")]


async def test_a_phone_that_is_not_there(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    await register_all(app, "0003*210")
    ana = await plug_in("0003*210")
    await ana.call("0003*999")
    await ana.ended()
    webhooks = await no_more_than(receiver, uapid, 2)
    assert story(webhooks, "0003*210") == [
        (DIAL_OUT, "CALLING", "out"),
        (HANGUP, "CHANUNAVAIL", "out"),
    ]


async def test_in_a_ring_group_one_answers_and_the_other_is_told_of_its_end(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    for extension in ("0003*210", "0003*024", "0003*025"):
        await register_all(app, extension)
    ana = await plug_in("0003*210")
    cleo, dan = await plug_in("0003*024"), await plug_in("0003*025")
    await ana.call("0003*600")
    await asyncio.gather(cleo.ringing(), dan.ringing())
    await dan.answer()
    await asyncio.gather(ana.answered(), cleo.ended())
    await ana.hang_up()
    webhooks = await no_more_than(receiver, uapid, 8)
    assert story(webhooks, "0003*025") == [
        (DIAL_IN, "CALLING", "in"),
        (ANSWER_IN, "ANSWER", "in"),
        (HANGUP, "ANSWER", "in"),
    ]
    assert story(webhooks, "0003*024") == [(DIAL_IN, "CALLING", "in"), (HANGUP, "CANCEL", "in")]
    hangup = parameters(webhooks, "0003*210", HANGUP)
    assert (hangup["CalledNumber"], hangup["CalledExtension"]) == ("0003*600", "0003*025")


async def test_a_call_from_outside_carries_the_did(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    await register_all(app, "0003*210")
    trunk, ana = await plug_in("trunk"), await plug_in("0003*210")
    ana.will_answer()
    await trunk.call("40311234567", caller_name="Public", caller_number="40721000111")
    await asyncio.gather(trunk.answered(), ana.answered())
    await trunk.hang_up()
    webhooks = await no_more_than(receiver, uapid, 3)
    assert story(webhooks, "0003*210") == [
        (DIAL_IN, "CALLING", "in"),
        (ANSWER_IN, "ANSWER", "in"),
        (HANGUP, "ANSWER", "in"),
    ]
    told = parameters(webhooks, "0003*210", DIAL_IN)
    assert told["CallerIDNum"] == "40721000111"
    assert told["CallerIDName"] == "Public"
    assert told["CalledDID"] == "40311234567"
    assert told["CalledExtension"] == "0003*210"
    assert told["CallerExtension"] == ""


async def test_a_call_to_outside_carries_the_number(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    await register_all(app, "0003*210")
    trunk, ana = await plug_in("trunk"), await plug_in("0003*210")
    trunk.will_answer()
    await ana.call("0721000111")
    await asyncio.gather(trunk.answered(), ana.answered())
    await ana.hang_up()
    webhooks = await no_more_than(receiver, uapid, 3)
    assert [type for type, _, _ in story(webhooks, "0003*210")] == [DIAL_OUT, ANSWER_OUT, HANGUP]
    told = parameters(webhooks, "0003*210", ANSWER_OUT)
    assert (told["CalledNumber"], told["CalledExtension"]) == ("0721000111", "")
    assert told["CalledDID"] == ""


async def test_a_receiver_that_fails_is_asked_again_with_the_same_id(
    uapid: Uapid, app: Client, receiver: Receiver, plug_in: PlugIn
) -> None:
    await app.register("0003*211", DIAL_IN, f"{URL}/in")
    receiver.status = 500
    ana, bob = await plug_in("0003*210"), await plug_in("0003*211")
    await ana.call("0003*211")
    await bob.ringing()
    await receiver.wait_for(1)
    receiver.status = 200
    first, second = await receiver.wait_for(2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.parameters == second.parameters
