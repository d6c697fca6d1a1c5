"""The whole document, put together."""

import json
from functools import lru_cache
from importlib.metadata import version

from api.openapi import (
    deliveries,
    elsewhere,
    oauth,
    phone_call_events,
    phone_calls,
    pieces,
    to_come,
)
from api.openapi.answers import open_operation, operation, shared_answers
from api.openapi.pieces import Json, answer
from api.openapi.webhooks import webhooks

_RESOURCES = (phone_call_events, deliveries, phone_calls, oauth, elsewhere)
_DESCRIPTION = """\
The UnifiedAPI (UAPI) of 4PSA VoipNow for any stock Asterisk.

- `/unifiedapi/…` is the same as `/uapi/…`, and a slash at the end of a path is nothing.
- Where the daemon's settings have `[access] token_in_query`, the token may also come as the
  parameter `accessRequestToken`.
- Numbers in answers are strings, but for those around a list and for `holder`.
- Parameters and fields of a body that are not named here are ignored. Of a parameter that comes
  more than once the last one counts.
- Every answer but 2xx has the body `{"error": {"code": "…", "message": "…"}}`, those of
  `/oauth/token` aside: 404 `not_found` for
  an address that is not here, 405 `method_not_allowed` with `Allow` for another method, 400
  `request_invalid` for what is no valid HTTP.
- Dates are RFC 3339 with offset, in the time zone of the daemon's settings.
"""


@lru_cache(maxsize=1)
def document_text(base_url: str) -> bytes:
    """The document as it is answered, for a daemon that is found at this URL."""
    return json.dumps(document(base_url), ensure_ascii=False, separators=(",", ":")).encode()


def document(base_url: str) -> Json:
    paths = {path: item for part in (*_RESOURCES, to_come) for path, item in part.paths().items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "uapid", "version": version("uapid"), "description": _DESCRIPTION},
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "webhooks": webhooks(),
        "paths": {path: _with_head_and_options(item) for path, item in paths.items()},
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "app": {"type": "http", "scheme": "basic"},
            },
            "parameters": {**pieces.shared_parameters(), **phone_call_events.shared_parameters()},
            "responses": shared_answers(),
            "schemas": {
                name: found for part in _RESOURCES for name, found in part.schemas().items()
            },
        },
    }


def _with_head_and_options(item: Json) -> Json:
    """HEAD is GET without the body, OPTIONS tells the methods of any address."""
    methods = {name: found for name, found in item.items() if name != "parameters"}
    first = next(iter(methods.values()))
    added = {"options": _options(first)}
    if "get" in methods:
        added["head"] = _head(methods["get"])
    return {**item, **added}


def _head(get: Json) -> Json:
    responses = {status: _without_body(found) for status, found in get["responses"].items()}
    summary = f"{get['summary']}: the headers alone"
    return {
        **get,
        "operationId": f"{get['operationId']}Head",
        "summary": summary,
        "responses": responses,
    }


def _without_body(found: Json) -> Json:
    if "$ref" in found:
        name = found["$ref"].rpartition("/")[2]
        found = shared_answers()[name]
    return {name: value for name, value in found.items() if name != "content"}


def _options(first: Json) -> Json:
    """As open or closed as the other methods of its address."""
    made = open_operation if "security" in first else operation
    good = {"204": answer("Methods")}
    return made(f"{first['operationId']}Options", "The methods of this address", good)
