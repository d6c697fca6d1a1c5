"""Signatures, checked by the package that Standard Webhooks gives to receivers."""

import time
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from daemon.events.signature import new_secret, signature
from tests.unit.reproducible import reproducible

ID = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
BODY = b"CallID=1616158200.1&CallerIDName=J%C3%B6rg+M.&CallStatus=CALLING"


def _check(secret: str, header: str, timestamp: int, payload: bytes = BODY, id: str = ID) -> None:
    headers = {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": header,
    }
    Webhook(secret).verify(payload, headers, json_parse=False)


def test_a_published_example_of_standard_webhooks_has_its_signature() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    assert signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, [secret]) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@given(payload=st.text().map(str.encode), id=st.text("abcXYZ019_", min_size=1))
@reproducible
def test_whatever_is_sent_is_accepted_by_the_receivers_package(payload: bytes, id: str) -> None:
    secret, now = new_secret(), int(time.time())
    _check(secret, signature(id, now, payload, [secret]), now, payload, id)


def test_while_a_secret_is_being_replaced_a_receiver_with_either_accepts() -> None:
    old, new, other, now = new_secret(), new_secret(), new_secret(), int(time.time())
    header = signature(ID, now, BODY, [new, old])
    assert [part[:3] for part in header.split(" ")] == ["v1,", "v1,"]
    _check(old, header, now)
    _check(new, header, now)
    with pytest.raises(WebhookVerificationError):
        _check(other, header, now)


def test_what_was_changed_on_the_way_is_not_accepted() -> None:
    secret, now = new_secret(), int(time.time())
    header = signature(ID, now, BODY, [secret])
    for timestamp, payload, id in (
        (now + 1, BODY, ID),
        (now, BODY + b"&x=1", ID),
        (now, BODY, ID + "x"),
    ):
        with pytest.raises(WebhookVerificationError):
            _check(secret, header, timestamp, payload, id)


def test_a_new_secret_is_32_random_bytes() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    for secret in made:
        assert secret.startswith("whsec_")
        assert len(b64decode(secret.removeprefix("whsec_"), validate=True)) == 32


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        b64encode(bytes(32)).decode(),
        "whsec_" + b64encode(bytes(23)).decode(),
        "whsec_" + b64encode(bytes(65)).decode(),
        "whsec_" + "*" * 44,
        "whsec_" + "ä" * 44,
    ],
)
def test_what_is_no_secret_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes") as refused:
        signature(ID, 0, BODY, [secret])
    assert len(secret) < 10 or secret not in str(refused.value)
