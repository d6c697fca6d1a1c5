"""Errors as the UAPI answers them: ``{"error": {"code", "message"}}`` on everything but 2xx."""

import json
from collections.abc import Callable, Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from api.json_answer import JsonAnswer
from daemon.pbx.line import PbxUnavailable
from daemon.store import StoreUnavailable

MISSING: Final = object()
"""Stands for what did not come at all, where ``None`` would be JSON's null."""

_SHOWN_LENGTH = 100
RETRY_SOON: Final = {"Retry-After": "5"}
"""For what cannot be used now, and is tried again all the while."""


class UapiError(Exception):
    """Ends a request with this HTTP status, UAPI code and message (a sentence)."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


def invalid(code: str, field: str, came: object, allowed: str) -> UapiError:
    """400: a field or parameter is missing (``came`` is MISSING) or not what is allowed."""
    what = "is missing" if came is MISSING else f"is {shown(came)}"
    return UapiError(400, code, f"{field} {what}; allowed is {allowed}.")


def access_denied(message: str) -> UapiError:
    return UapiError(401, "access_denied", message, {"WWW-Authenticate": "Bearer"})


def not_implemented(what: str) -> UapiError:
    return UapiError(501, "request_not_implemented", f"{what} is not implemented yet.")


def pbx_unavailable(message: str) -> UapiError:
    return UapiError(503, "pbx_unavailable", message, RETRY_SOON)


def store_unavailable(message: str) -> UapiError:
    return UapiError(503, "store_unavailable", message, RETRY_SOON)


def error_body(error: UapiError) -> dict[str, object]:
    """What the answer to an error says, as JSON."""
    return {"error": {"code": error.code, "message": error.message}}


def shown(value: object) -> str:
    """What came, fit for a message: shortened, and with nothing in it that does not print."""
    if isinstance(value, list):
        return "an array"
    if isinstance(value, dict):
        return "an object"
    text = value if isinstance(value, str) else json.dumps(value)
    short = printable(text[:_SHOWN_LENGTH])
    if len(text) > _SHOWN_LENGTH:
        short += "…"
    return f'"{short}"' if isinstance(value, str) else short


def printable(text: str) -> str:
    """The text with what does not print escaped: a terminal obeys control characters."""
    if text.isprintable():
        return text
    return "".join(
        # A lone surrogate, which JSON can carry, does not print either and has no UTF-8.
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def error_handlers(
    on_error: Callable[[Request, UapiError], None],
) -> dict[type[Exception], ExceptionHandler]:
    """For Starlette: every exception ends here, those of a crash in its log too.

    ``on_error`` is called with each, but for a client that went before its body was whole: that is
    no crash, and nobody reads the answer to it.
    """

    async def answer(request: Request, error: Exception) -> Response:
        found = _uapi_error(request, error)
        if not isinstance(error, ClientDisconnect):
            on_error(request, found)
        return JsonAnswer(error_body(found), found.status, found.headers)

    caught = (UapiError, PbxUnavailable, StoreUnavailable, HTTPException, ClientDisconnect)
    return dict.fromkeys((*caught, Exception), answer)


def _uapi_error(request: Request, error: Exception) -> UapiError:
    match error:
        case UapiError():
            return error
        case PbxUnavailable():
            return pbx_unavailable(f"The PBX cannot be used now: {error}.")
        case StoreUnavailable():
            return store_unavailable(f"The store cannot be used now: {error}.")
        case HTTPException(status_code=404):
            return UapiError(
                404, "not_found", f"There is nothing at {shown(request.scope['path'])}."
            )
        case HTTPException(status_code=405, headers=headers):
            allow = ", ".join(sorted((headers or {}).get("Allow", "").split(", ")))
            message = f"{shown(request.method)} is not a method of this address; allowed: {allow}."
            return UapiError(405, "method_not_allowed", message, {"Allow": allow})
        case _:
            message = "The request could not be carried out; the daemon's log has the reason."
            return UapiError(500, "internal_server_error", message)
