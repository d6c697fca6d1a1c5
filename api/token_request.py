"""What a token request asks for, in each of the forms that apps send; and what is wrong with it."""

import base64
import json
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from api.body import read_body
from api.errors import UapiError
from daemon.apps import is_app_id

_FIELDS = 100
_FORM = "application/x-www-form-urlencoded"
_SECRET = re.compile(r"[A-Za-z0-9_.-]{1,200}")


class OAuthError(Exception):
    """Ends a token request with this HTTP status and this error as RFC 6749, section 5.2 names it.

    ``reason`` is a sentence in ASCII without quotes that repeats nothing of what came. ``about`` is
    for the log: whose request it was, as far as it is known.
    """

    def __init__(
        self,
        status: int,
        error: str,
        reason: str,
        headers: Mapping[str, str] | None = None,
        about: str = "",
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.error = error
        self.reason = reason
        self.headers = headers
        self.about = about


@dataclass(frozen=True, slots=True)
class Credentials:
    """The key of an app and its secret, whatever they consist of."""

    key: str
    secret: str

    @property
    def are_possible(self) -> bool:
        """Whether they can be any app's."""
        return is_app_id(self.key) and _SECRET.fullmatch(self.secret) is not None


def invalid_client(reason: str, about: str = "") -> OAuthError:
    headers = {"WWW-Authenticate": 'Basic realm="uapid"'}
    return OAuthError(401, "invalid_client", reason, headers, about)


async def read_token_request(request: Request) -> Mapping[str, str]:
    """The fields of its body; of a field that comes twice the last one. Raises OAuthError.

    A form may begin with ``&`` and have values that are not encoded. Without a content type it is
    taken for a form.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        body = await read_body(request)
    except UapiError as error:
        raise OAuthError(error.status, "invalid_request", error.message) from None
    match media_type:
        case "application/json":
            return _json(body)
        case "multipart/form-data":
            return await _multipart(request, body)
        case "" | "application/x-www-form-urlencoded":
            return _form(body)
    allowed = f"{_FORM}, multipart/form-data and application/json"
    raise _invalid(f"The content type is none of those that are allowed: {allowed}.")


def credentials(fields: Mapping[str, str], authorization: str | None) -> Credentials:
    """Those of HTTP Basic (RFC 6749, section 2.3.1), or else of the body. Raises OAuthError.

    Another scheme than Basic says nothing here: some clients send a token with all they send.
    """
    key, secret = fields.get("client_id"), fields.get("client_secret")
    scheme, _, encoded = (authorization or "").strip().partition(" ")
    if scheme.lower() == "basic":
        basic_key, basic_secret = _basic(encoded.strip())
        if key not in (None, basic_key) or secret not in (None, basic_secret):
            raise _invalid("The body has other credentials than the header Authorization.")
        key, secret = basic_key, basic_secret
    if not key or not secret:
        raise invalid_client("client_id or client_secret is missing.")
    return Credentials(key, secret)


def _basic(encoded: str) -> tuple[str, str]:
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        raise invalid_client("The header Authorization is not of the form Basic base64.") from None
    return unquote_plus(key), unquote_plus(secret)


def _form(body: bytes) -> Mapping[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        raise _invalid(f"The body is no form of at most {_FIELDS} fields.") from None


def _json(body: bytes) -> Mapping[str, str]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise _invalid("The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise _invalid("The body is no JSON object.")
    return {name: value for name, value in fields.items() if isinstance(value, str)}


async def _multipart(request: Request, body: bytes) -> Mapping[str, str]:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, stream(), max_files=0, max_fields=_FIELDS)
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError):  # ValueError: a charset that cannot decode it
        message = f"The body is no multipart form of at most {_FIELDS} fields and no files."
        raise _invalid(message) from None
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _invalid(reason: str) -> OAuthError:
    return OAuthError(400, "invalid_request", reason)
