"""What a receiver gets, checked as the README tells app developers to check it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from config import settings
from daemon.calls.model import Seen
from daemon.events.attempt import Sender
from daemon.events.deliveries import Delivered, Delivery
from daemon.events.guard import Guard
from daemon.events.phone_call_events import EventType, Method
from daemon.events.signature import new_secret
from tests.unit.webhook_receiver import Received, Receiver

README = Path(__file__).parents[4] / "README.md"
FORM = urlencode({"CallID": "1.1", "CallerIDName": "Mary & José + co", "CalledDID": ""})
LOOPBACK = settings.Delivery.model_validate({"allow_networks": ["127.0.0.0/8"]})


def _check_of_the_readme() -> Callable[..., bool]:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    check: Callable[..., bool] = names["is_from_uapid"]
    return check


def _passes(secret: str, got: Received, **changed: Any) -> bool:
    query = got.target.partition("?")[2]
    came = {"method": got.method, "query": query, "body": got.body.encode(), **changed}
    return _check_of_the_readme()(secret, headers=got.headers, **came)


async def _sent(path: str, method: Method, *secrets: str) -> Received:
    async with Receiver() as app, Sender(LOOPBACK, Guard(LOOPBACK)) as sender:
        delivery = Delivery(
            webhook_id="msg_1",
            event="event",
            call="0" * 20,
            type=EventType.DIAL_IN,
            extension="0003*210",
            url=app.url + path,
            method=method,
            form=FORM,
            seen=Seen.LIVE,
            queued=0.0,
            attempts=0,
            secrets=secrets,
        )
        assert isinstance(await sender.send(delivery), Delivered)
        (request,) = app.requests
        return request


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("path", ["", "/hook", "/hook?key=a%20b%26c&x=1", "/hook?a=1#part"])
async def test_a_webhook_passes_with_the_secret_of_its_app_only(path: str, method: Method) -> None:
    secret = new_secret()
    got = await _sent(path, method, secret)
    assert _passes(secret, got)
    assert not _passes(new_secret(), got)
    changed = {"query": "CallID=2"} if method is Method.GET else {"body": b"CallID=2"}
    assert not _passes(secret, got, **changed)


async def test_while_a_secret_is_replaced_a_webhook_passes_with_either() -> None:
    new, old = new_secret(), new_secret()
    got = await _sent("/hook", Method.POST, new, old)
    assert _passes(new, got)
    assert _passes(old, got)


@pytest.mark.parametrize("header", ["", "v1", "v1,", "v1,*", "nonsense and more"])
async def test_a_signature_that_is_none_does_not_pass(header: str) -> None:
    secret = new_secret()
    got = await _sent("/hook", Method.POST, secret)
    got.headers["webhook-signature"] = header
    assert not _passes(secret, got)
