"""Every operation with a body, with every body and content type that clients send or ought not to;
and those without, which take no notice of one."""

import json

import pytest

from tests.api.conformance.operations import OPERATIONS, WITH_BODY, Operation
from tests.api.conformance.stage import Stage

EVERY_BODY = pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.name)

JSON_TYPES = [
    None,
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON ;x=y",
    "application/json;",
    " application/json ",
    "",
    ";",
]
OTHER_TYPES = [
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "application/problem+json",
    "application/json, text/plain",
    "application json",
    "json",
    "*/*",
    "a" * 5000,
]
NO_OBJECT = [
    b"",
    b" ",
    b"{",
    b"}",
    b'{"type": "0",}',
    b"{'type': '0'}",
    b"{type: 0}",
    b"[]",
    b"null",
    b"true",
    b'"text"',
    b"1",
    b"NaN",
    b"{} {}",
    b"{}\0",
    b'{"note": "\xff"}',
    b'{"note": "a\nb"}',
    '{"note": "x"}'.encode("utf-16"),
    b"type=0&method=0",
    b"<event/>",
    b"[" * 50_000,
    b'{"a":' * 10_000,
    b'{"type": ' + b"1" * 5_000 + b"}",
]


async def sent(
    stage: Stage, operation: Operation, data: bytes, content_type: str | None = None
) -> tuple[int, str]:
    """Status and code of the answer; the code is "" for success."""
    headers = {"Authorization": f"Bearer {stage.api.token}"}
    if content_type is not None:
        headers["Content-Type"] = content_type
    path = f"/uapi{await stage.path(operation)}"
    answer = await stage.api.request(operation.method, path, data=data, headers=headers)
    return (answer.status, "") if answer.status < 300 else answer.error


@EVERY_BODY
async def test_content_types_of_json(stage: Stage, operation: Operation) -> None:
    good = json.dumps(operation.body).encode()
    for content_type in JSON_TYPES:
        assert await sent(stage, operation, good, content_type) == (operation.status, "")


@EVERY_BODY
async def test_content_types_of_something_else(stage: Stage, operation: Operation) -> None:
    good = json.dumps(operation.body).encode()
    for content_type in OTHER_TYPES:
        result = await sent(stage, operation, good, content_type)
        assert result == (400, "request_invalid"), content_type


@EVERY_BODY
async def test_what_is_no_json_object(stage: Stage, operation: Operation) -> None:
    for data in NO_OBJECT:
        assert await sent(stage, operation, data) == (400, "request_invalid"), data[:20]


@EVERY_BODY
async def test_ways_to_write_the_same_object(stage: Stage, operation: Operation) -> None:
    good = json.dumps(operation.body)
    for text in (
        "\ufeff" + good,
        f"\r\n\t {good} \n",
        json.dumps(operation.body, indent=8),
        json.dumps({"unknown": [1, {"a": None}], "links": 7, "id": "mine", **operation.body}),
        # Of a field that comes twice the last one counts.
        '{"action": "x", "note": 1, ' + good[1:],
        "".join(f"\\u{ord(sign):04x}" if sign.isalpha() else sign for sign in good),
    ):
        assert await sent(stage, operation, text.encode()) == (operation.status, ""), text


@pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if operation.body is None],
    ids=lambda operation: operation.name,
)
async def test_where_no_body_is_wanted_any_is_ignored(stage: Stage, operation: Operation) -> None:
    for data in (b"{no json", b"[]", b"{" + b" " * 200_000):
        for content_type in ("application/json", "text/plain"):
            result = await sent(stage, operation, data, content_type)
            assert result == (operation.status, "")


FIELDS = {"type": ["0", 0], "method": ["1", 1], "status": ["0", 0]}


@pytest.mark.parametrize(
    ("field", "came"), [(field, came) for field, values in FIELDS.items() for came in values]
)
async def test_numbers_come_as_text_or_number_and_go_as_text(
    stage: Stage, field: str, came: str | int
) -> None:
    for operation in WITH_BODY:
        if not operation.is_of_calls:
            answer = await stage.api.request(
                operation.method,
                f"/uapi{await stage.path(operation)}",
                {**operation.body, field: came},
            )
            assert answer.status == operation.status
            assert answer.body[field] == str(came)
