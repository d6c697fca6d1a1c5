"""What needs no token, in the document: readiness, and the document itself."""

from api.openapi.answers import CROWDED, RETRY, open_operation
from api.openapi.pieces import (
    DATE,
    TEXT,
    Json,
    closed,
    error_schema,
    json_content,
    name_of,
    schema,
)
from daemon.pbx.line import LineState

_COUNT: Json = {"type": "integer", "minimum": 0}


def paths() -> Json:
    return {
        "/ready": {
            "get": open_operation(
                "ready",
                "How the lines to the PBX, the store and the deliveries stand",
                {
                    "200": json_content(schema("Ready"), "Calls are known and can be acted on."),
                    "503": json_content(
                        {"anyOf": [schema("NotReady"), CROWDED]},
                        "They cannot, or there are too many connections.",
                        RETRY,
                    ),
                },
            )
        },
        "/openapi.json": {
            "get": open_operation(
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
