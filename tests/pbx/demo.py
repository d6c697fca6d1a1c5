"""`make demo`: the daemon's whole job on a real call, told as it happens."""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from tests.pbx.asterisk import Asterisk
from tests.pbx.client import Client
from tests.pbx.phone import Phone
from tests.pbx.receiver import URL, Receiver, Webhook
from tests.pbx.sipp import PhoneRoom
from tests.pbx.uapid import BASE_URL, Uapid

ANA, BOB = "0003*210", "0003*211"
SOUNDS = {"M": "the music on hold", ".": "silence (packets go on coming)", "-": "no packets"}
HANGUP, ANSWER_OUT = 2, 4


def say(text: str) -> None:
    print(text, flush=True)


def show(what: Any) -> None:
    say("    " + json.dumps(what, indent=2).replace("\n", "\n    "))


def show_webhook(webhook: Webhook) -> None:
    say(f"    {webhook.method} {webhook.path}, webhook-id {webhook.headers['webhook-id']}")
    for name, value in webhook.parameters.items():
        say(f"      {name}={value}")


class StepFailedError(Exception):
    """A step of the story did not hold; the text says what came instead."""


def expect(holds: bool, otherwise: object) -> None:
    if not holds:
        raise StepFailedError(str(otherwise))


def told(ana: Phone, bob: Phone, heard: tuple[list[str], list[str]]) -> list[str]:
    """What each phone heard, as sentences."""
    sounds = {**SOUNDS, ana.tone_letter: "Ana's tone", bob.tone_letter: "Bob's tone"}
    return [
        f"{name} hears {', '.join(sounds.get(s, s) for s in dict.fromkeys(symbols))}"
        for name, symbols in zip(("Ana", "Bob"), heard, strict=True)
    ]


async def hear(ana: Phone, by_ana: str, bob: Phone, by_bob: str) -> None:
    """Measure what both phones receive for a second, once it is this."""
    await asyncio.gather(ana.hears(by_ana), bob.hears(by_bob))
    heard = await asyncio.gather(ana.listen(1), bob.listen(1))
    for sentence, symbols, wanted in zip(
        told(ana, bob, heard), heard, (by_ana, by_bob), strict=True
    ):
        say(f"    {sentence} (per half second: {' '.join(symbols)})")
        expect(set(symbols) == {wanted}, f"{sentence}, and should hear {wanted!r}")


async def tell(app: Client, receiver: Receiver, ana: Phone, bob: Phone) -> None:
    """The story; StepFailedError, TimeoutError or AssertionError when a step does not hold."""
    say(
        "\n1. An app registers PhoneCallEvents of 0003*210: answer of an outgoing call, and hang-up"
    )
    for type, name in ((ANSWER_OUT, "answer"), (HANGUP, "hangup")):
        show(await app.register(ANA, type, f"{URL}/{name}"))

    say("\n2. Ana (0003*210) calls Bob (0003*211); Bob answers")
    bob.will_answer()
    await ana.call(BOB, caller_name="Ana")
    await asyncio.gather(ana.answered(), bob.answered())
    await hear(ana, bob.tone_letter, bob, ana.tone_letter)

    say("\n3. The app's URL was called")
    (answered,) = await receiver.wait_for(1)
    show_webhook(answered)
    expect(answered.parameters["CallStatus"] == "ANSWER", answered)

    say(f"\n4. The app lists the calls: GET /uapi/phoneCalls/@me/{ANA}")
    (call,) = await app.calls(ANA)
    show(call)
    expect(call["id"] == answered.parameters["CallAPIID"], "another call's id")

    say("\n5. OnHold by Ana's phone call view 01: the call stays in its Dial()")
    held = await app.hold(call, ANA)
    expect(held.status == 200, held)
    show(held.body["phoneCallView"][0])
    await hear(ana, ".", bob, "M")

    say("\n6. OffHold")
    resumed = await app.resume(call, ANA)
    expect(resumed.status == 200, resumed)
    await hear(ana, bob.tone_letter, bob, ana.tone_letter)

    say("\n7. Ana hangs up, and the app's URL is called")
    await ana.hang_up()
    await bob.ended()
    _, ended = await receiver.wait_for(2)
    show_webhook(ended)
    expect(ended.path == "/hangup", ended)


async def leave_a_call_up(app: Client, ana: Phone, bob: Phone, token: str) -> None:
    """A call to try the API on, and the requests to do it with."""
    await ana.call(BOB, caller_name="Ana")
    await asyncio.gather(ana.answered(), bob.answered())
    (call,) = await app.calls_until(lambda calls: len(calls) == 1 and "answered" in calls[0])
    header = f"-H 'Authorization: Bearer {token}'"
    address = f"'{call['links']['self']}'"
    say("\nAna has called Bob again, so that there is a call to try.")
    say(f"\nBase URL: {BASE_URL}/uapi/")
    say(f"Token:    {token}")
    say("\nThree requests for another terminal: list the calls, put this one on hold, and back:")
    say(f"  curl {header} '{BASE_URL}/uapi/phoneCalls/@me/{ANA}'")
    for action in ("OnHold", "OffHold"):
        body = json.dumps({"action": action, "phoneCallViewId": "01"})
        say(f"  curl -X PUT {header} -H 'Content-Type: application/json' -d '{body}' {address}")


async def tell_what_is_heard(ana: Phone, bob: Phone) -> None:
    """For ever, a line for each change."""
    before: list[str] = []
    while True:
        heard = await asyncio.gather(ana.listen(0.5), bob.listen(0.5))
        now = told(ana, bob, heard)
        if now != before:
            say(f"    {'; '.join(now)}")
        before = now


async def run(once: bool) -> int:
    me = asyncio.current_task()
    assert me
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, me.cancel)
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as parts:
            say("Starting the PBX (Asterisk 22 in Docker), the daemon, a receiver, two phones ...")
            parts.enter_context(Asterisk())
            parts.enter_context(PhoneRoom())
            uapid = await parts.enter_async_context(Uapid(Path(folder)))
            await uapid.until_connected()
            receiver = await parts.enter_async_context(Receiver())
            token = await uapid.token()
            app = await parts.enter_async_context(Client(BASE_URL, token))
            ana = await parts.enter_async_context(Phone.known(ANA))
            bob = await parts.enter_async_context(Phone.known(BOB))
            try:
                await tell(app, receiver, ana, bob)
                say("\nEvery step held.")
                await leave_a_call_up(app, ana, bob, token)
            except (StepFailedError, TimeoutError, AssertionError) as error:
                say(f"\nThis step did not hold: {error}\n\nThe daemon's log:\n{uapid.log()}")
                return 1
            if not once:
                say("\nEverything stays up until Ctrl-C. What the phones hear:")
                await tell_what_is_heard(ana, bob)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="end when the story is told")
    once = parser.parse_args().once
    try:
        return asyncio.run(run(once))
    except asyncio.CancelledError:
        say("\nEnded.")
        return 0


if __name__ == "__main__":
    sys.exit(main())
