"""What needs no token, in the document: readiness, OAuth, the document itself."""

from api.openapi.pieces import (
    DATE,
    TEXT,
    Json,
    answer,
    closed,
    error_schema,
    in_path,
    json_content,
    name_of,
    schema,
)
from daemon.pbx.line import LineState

_COUNT: Json = {"type": "integer", "minimum": 0}
_OPEN: list[Json] = []


def paths() -> Json:
    endpoint = in_path("endpoint", {**TEXT, "minLength": 1}, "Such as `authorize.php`.")
    return {
        "/ready": {
            "get": _operation(
                "ready",
                "How the lines to the PBX, the store and the deliveries stand",
                {
                    "200": json_content(schema("Ready"), "Calls are known and can be acted on."),
                    "503": json_content(
                        schema("NotReady"),
                        "They cannot.",
                        {"Retry-After": {"required": True, "schema": _COUNT}},
                    ),
                },
            )
        },
        "/oauth/{endpoint}": {
            "parameters": [endpoint],
            "get": _operation("getOAuth", "The other pages of OAuth", {"501": answer("ToCome")}),
            "post": _operation("postOAuth", "The other pages of OAuth", {"501": answer("ToCome")}),
        },
        "/openapi.json": {
            "get": _operation(
                "openApi",
                "This document",
                {"200": json_content({"type": "object"}, "OpenAPI 3.1.")},
            )
        },
    }


def schemas() -> Json:
    fields = {
        "ready": {"type": "boolean"},
        "lines": closed({"ami": _line(), "ari": _line()}, ["ami", "ari"]),
        "store": closed(
            {"state": {"enum": ["up", "failing"]}, "reason": TEXT, "held": _COUNT},
            ["state", "reason", "held"],
        ),
        "deliveries": {"anyOf": [_counts(), {"type": "null"}]},
    }
    return {
        "Ready": closed({**fields, "ready": {"const": True}}, fields),
        "NotReady": closed(
            {
                **fields,
                "ready": {"const": False},
                **error_schema(["pbx_unavailable", "store_unavailable"])["properties"],
            },
            [*fields, "error"],
        ),
    }


def _line() -> Json:
    fields = {
        "state": name_of(LineState),
        "since": DATE,
        "lastMessage": {
            "type": ["number", "null"],
            "description": "How many seconds ago anything came from the PBX.",
        },
        "reason": TEXT,
    }
    return closed(fields, fields)


def _counts() -> Json:
    fields = {
        **dict.fromkeys(("pending", "failed", "delivered", "dead"), _COUNT),
        "oldestPending": {"anyOf": [DATE, {"type": "null"}]},
    }
    return closed(fields, fields)


def _operation(id: str, summary: str, good: Json) -> Json:
    responses = {**good, "500": answer("Crash")}
    return {"operationId": id, "summary": summary, "responses": responses, "security": _OPEN}
