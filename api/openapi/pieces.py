"""Pieces of the document that several resources have: parameters, answers, lists."""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum, StrEnum
from typing import Any, TypeVar

from api.list_request import (
    DEFAULT_COUNT,
    FILTER_OPS,
    MAX_COUNT,
    MAX_START_INDEX,
    SORT_ORDERS,
    ResourceFields,
)
from api.uri import OBJECT_ID

Json = dict[str, Any]
_Number = TypeVar("_Number", bound=IntEnum)

TEXT: Json = {"type": "string"}
DATE: Json = {"type": "string", "format": "date-time"}
URL: Json = {"type": "string", "format": "uri"}
OBJECT_ID_TEXT: Json = {"type": "string", "pattern": f"^{OBJECT_ID.pattern}$"}
LINK: Json = {
    "type": "object",
    "properties": {"self": URL},
    "required": ["self"],
    "additionalProperties": False,
}
NO_CONTENT: Json = {"description": "There is nothing to answer, and `[api] empty` is 204."}

URI_CODES = ("user_invalid", "extension_invalid")
LIST_CODES = (
    "fields_invalid",
    "count_invalid",
    "filterby_invalid",
    "filterop_invalid",
    "filtervalue_invalid",
    "sortorder_invalid",
    "startindex_invalid",
)


def schema(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def answer(name: str) -> Json:
    return {"$ref": f"#/components/responses/{name}"}


def parameter(name: str) -> Json:
    return {"$ref": f"#/components/parameters/{name}"}


def closed(properties: Json, required: Iterable[str] = ()) -> Json:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def described(of: Json, text: str) -> Json:
    return {**of, "description": text}


def name_of(names: type[StrEnum]) -> Json:
    return {"enum": [each.value for each in names]}


def choice(choices: Mapping[_Number, str]) -> Json:
    """A number that answers have as a string."""
    return {"enum": [str(each.value) for each in choices], "description": _meanings(choices)}


def choice_in_body(choices: Mapping[_Number, str]) -> Json:
    """A number that a body may have as a string too."""
    values = [each.value for each in choices]
    return {"enum": [*map(str, values), *values], "description": _meanings(choices)}


def json_content(of: Json, text: str, headers: Json | None = None) -> Json:
    """An answer with a JSON body."""
    found: Json = {"description": text, "content": {"application/json": {"schema": of}}}
    return {**found, "headers": headers} if headers else found


def error_schema(codes: Sequence[str] = ()) -> Json:
    """The body of an error, which has one of these codes."""
    code = {"enum": list(codes)} if codes else TEXT
    fields = {"code": code, "message": {"type": "string", "minLength": 1}}
    return closed({"error": closed(fields, fields)}, ["error"])


def invalid(*codes: str) -> Json:
    """400 with one of these codes."""
    text = "Something that came is not allowed; the message says what came and what is."
    return json_content(error_schema(codes), text)


def in_path(name: str, of: Json, text: str) -> Json:
    return {"name": name, "in": "path", "required": True, "description": text, "schema": of}


def in_query(name: str, of: Json, text: str, *, required: bool = False) -> Json:
    found = {"name": name, "in": "query", "description": text, "schema": of}
    return {**found, "required": True} if required else found


def in_header(name: str, of: Json, text: str) -> Json:
    return {"name": name, "in": "header", "required": True, "description": text, "schema": of}


def list_parameters(resource: ResourceFields) -> list[Json]:
    """The Standard-Request-Parameters of a list of this resource."""
    return [
        parameter("count"),
        parameter("startIndex"),
        in_query("filterBy", {"enum": list(resource.filterable)}, "The field to filter by."),
        parameter("filterOp"),
        parameter("filterValue"),
        in_query(
            "sortOrder",
            {"enum": list(SORT_ORDERS), "default": resource.order},
            "Whether the list goes up or down. By what it is sorted cannot be chosen.",
        ),
        {
            **in_query(
                "fields",
                {"type": "array", "minItems": 1, "items": {"enum": list(resource.names)}},
                "The fields of each entry that are wanted; without it, all.",
            ),
            "style": "form",
            "explode": False,
        },
    ]


def list_answers(entry: Json) -> Json:
    """What a list answers when all is well."""
    envelope = closed(
        {
            "startIndex": {"type": "integer", "minimum": 0, "maximum": MAX_START_INDEX},
            "totalResults": {"type": "integer", "minimum": 0},
            "itemsPerPage": {"type": "integer", "minimum": 1, "maximum": MAX_COUNT},
            "filtered": {"const": True},
            "sorted": {"const": True},
            "entry": {"type": "array", "maxItems": MAX_COUNT, "items": entry},
            "paging": schema("Paging"),
        },
        ["startIndex", "totalResults", "itemsPerPage", "filtered", "sorted", "entry"],
    )
    return {"200": json_content(envelope, "A Collection."), "204": NO_CONTENT}


def shared_parameters() -> Json:
    """The parameters that have a name in the document's components."""
    user = "`@me`, `@viewer` or `@owner`: the token's; or the number of one that it may act for."
    extension = "A full number (`0003*210`) or its short form; `@self` where it applies."
    count = {"type": "integer", "minimum": 1, "maximum": MAX_COUNT, "default": DEFAULT_COUNT}
    start = {"type": "integer", "minimum": 0, "maximum": MAX_START_INDEX, "default": 0}
    operations: Json = {"enum": list(FILTER_OPS), "default": "contains"}
    return {
        "user": in_path(
            "user", {"type": "string", "pattern": "^(@me|@viewer|@owner|0*[0-9]{1,18})$"}, user
        ),
        "extension": in_path(
            "extension", {"type": "string", "pattern": r"^(@self|[0-9*]+)$"}, extension
        ),
        "count": in_query("count", count, "How many entries a page has."),
        "startIndex": in_query("startIndex", start, "How many entries come before the page."),
        "filterOp": in_query("filterOp", operations, "How the field is compared; needs filterBy."),
        "filterValue": in_query(
            "filterValue",
            TEXT,
            "What the field is compared with; needs filterBy, which needs it unless `filterOp` is "
            "`present`. For `inArray` values with a comma between; for `greaterThan` and "
            "`lessThan` of numbers and dates one of these.",
        ),
    }


def _meanings(choices: Mapping[_Number, str]) -> str:
    return ", ".join(f"{each.value}: {name}" for each, name in choices.items())
