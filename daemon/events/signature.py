"""The signature of a webhook, as Standard Webhooks 1.0 has it.

It covers the id, the time and the payload: the body as it is sent, or for a GET its whole query.
"""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from functools import lru_cache
from secrets import token_bytes

_PREFIX = "whsec_"
_KEY_LENGTH = 32
_KEY_LENGTHS = range(24, 65)
_KEYS_AT_HAND = 1024


def new_secret() -> str:
    """A new signing secret: ``whsec_`` and 32 random bytes as base64."""
    return _PREFIX + b64encode(token_bytes(_KEY_LENGTH)).decode()


def signature(webhook_id: str, timestamp: int, payload: bytes, secrets: Iterable[str]) -> str:
    """The value of the header ``webhook-signature``: one signature for each secret.

    ``timestamp`` is that of the header ``webhook-timestamp``, in seconds since 1970. Raises
    ValueError for what is no signing secret; its text does not show it.
    """
    signed = f"{webhook_id}.{timestamp}.".encode() + payload
    return " ".join(f"v1,{b64encode(_digest(secret, signed)).decode()}" for secret in secrets)


def _digest(secret: str, signed: bytes) -> bytes:
    # hmac.digest would let other threads run each time, and wait until they let go again.
    keyed = _keyed(secret).copy()
    keyed.update(signed)
    return keyed.digest()


@lru_cache(_KEYS_AT_HAND)
def _keyed(secret: str) -> hmac.HMAC:
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or len(key) not in _KEY_LENGTHS:
        raise ValueError(f"a signing secret is {_PREFIX} and 24 to 64 bytes as base64") from None
    return hmac.new(key, digestmod="sha256")
