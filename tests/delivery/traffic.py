"""Calls that go on all the time, one after the other in each of some lanes.

Each call takes its next step when all that the last one gave to tell has been received.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from random import Random

from daemon.events.phone_call_events import EventType, Method
from tests.delivery.ledger import Ledger, Telling, path
from tests.delivery.played_pbx import PlayedPbx
from tests.delivery.stream_server import StreamServer
from tests.pbx.client import Client
from tests.plays.retold import Retold

# What is to be told at each step of a play: the number of the leg, the type of the event, and its
# CallStatus.
DIAL_IN, DIAL_OUT, HANGUP, ANSWER_IN, ANSWER_OUT = EventType
TOLD: dict[str, dict[str, Telling]] = {
    "answered-and-ended-by-the-caller": {
        "ringing": {(0, DIAL_OUT): "CALLING", (1, DIAL_IN): "CALLING"},
        "talking": {(0, ANSWER_OUT): "ANSWER", (1, ANSWER_IN): "ANSWER"},
        "over": {(0, HANGUP): "ANSWER", (1, HANGUP): "ANSWER"},
    },
    "calls-itself": {
        "ringing": {(0, DIAL_OUT): "CALLING", (1, DIAL_IN): "CALLING"},
        "talking": {(0, ANSWER_OUT): "ANSWER", (1, ANSWER_IN): "ANSWER"},
        "over": {(0, HANGUP): "ANSWER", (1, HANGUP): "ANSWER"},
    },
    "given-up-while-ringing": {
        "ringing": {(0, DIAL_OUT): "CALLING", (1, DIAL_IN): "CALLING"},
        "over": {(0, HANGUP): "CANCEL", (1, HANGUP): "CANCEL"},
    },
    # Both phones of the group are of one extension here: its events of one call have an order.
    "ring-group-with-one-answer": {
        "ringing": {
            (0, DIAL_OUT): "CALLING",
            (1, DIAL_IN): "CALLING",
            (2, DIAL_IN): "CALLING",
        },
        "talking": {(0, ANSWER_OUT): "ANSWER", (1, HANGUP): "CANCEL", (2, ANSWER_IN): "ANSWER"},
        "over": {(0, HANGUP): "ANSWER", (2, HANGUP): "ANSWER"},
    },
}
PLAYS = {name: Retold(name) for name in TOLD}


def phones(lane: int) -> tuple[str, str]:
    """Who calls and who is called."""
    return f"0003*1{lane:03d}", f"0003*2{lane:03d}"


async def subscribe(app: Client, lane: int, receivers: Sequence[StreamServer]) -> None:
    """Each type of each extension by GET and by POST, at different receivers."""
    for phone in phones(lane):
        for type in EventType:
            for method in Method:
                receiver = receivers[(lane + method) % len(receivers)]
                url = receiver.url + path(phone, type, method)
                await app.register(phone, type, url, method)


async def telephone(
    pbx: PlayedPbx,
    ledger: Ledger,
    lane: int,
    random: Random,
    ending: asyncio.Event,
    took: Callable[[float], object] = bool,
) -> None:
    """One call after the other; ``took`` is told the seconds that each step took to be received."""
    caller, called = phones(lane)
    extensions = {"0003*210": caller, "0003*600": f"0003*3{lane:03d}"}
    for phone in ("0003*211", "0003*024", "0003*025"):
        extensions[phone] = called
    while not ending.is_set():
        name = random.choice(list(PLAYS))
        call = pbx.call(PLAYS[name], extensions)
        for step, telling in TOLD[name].items():
            told = ledger.expect(call, telling)
            began = time.monotonic()
            assert call.go_on() == step
            await ledger.until_received(told)
            took(time.monotonic() - began)
