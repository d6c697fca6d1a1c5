"""Every field of a PhoneCallEvent, with values just inside and just outside of what it may be."""

from typing import Any

import pytest

from tests.api.conformance.operations import WITH_BODY, Operation
from tests.api.conformance.stage import MODIFIED, Stage
from tests.api.running import EVENTS

pytestmark = pytest.mark.asyncio(loop_scope="module")

MISSING: Any = object()
OPERATIONS = [operation for operation in WITH_BODY if not operation.is_of_calls]

REFUSED: dict[str, list[Any]] = {
    "type": [MISSING, None, "", "5", "-1", -1, 5, "00", " 0", "0 ", True, False, 0.0, [0], {}],
    "method": [MISSING, None, "", "2", "GET", "get", 2, -1, False, 0.0, {}, ["0"]],
    "note": [MISSING, None, 7, 7.5, True, ["x"], {}, "x" * 1025, "🎉" * 1025, "half \ud83d"],
    "status": [MISSING, None, "", "2", "enabled", True, False, 2, -1, 1.0, ["1"]],
    "url": [
        *(MISSING, None, 7, True, [], {}, "", " "),
        *("example.com/x", "/x", "//example.com/x", "http:", "http:/", "http:x", "://x"),
        *("ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)", "httpx://a.example/"),
        *("http://", "http:///x", "http://:80/", "http://[::1", "http://[x]/", "http://?x"),
        *("http://example.com:70000/", "http://example.com:port/", "http://example.com:-1/"),
        *("http://exa mple.com/", "http://example.com/a b", " http://example.com/"),
        *("http://example.com/\n", "http://example.com/\r\nX: y", "http://exa\tmple.com/"),
        *("http://example.com/\x00", "http://example.com/\ud83d", "http://example.com/\u202e"),
        *("http://example.com\\@evil.example/", "http://exa<mple.com/", "http://%65xample.com/"),
        *("http://user@example.com/", "http://user:password@example.com/", "http://@example.com/"),
        "http://example.com/" + "x" * (2049 - 19),
    ],
}

TAKEN: dict[str, list[Any]] = {
    "type": ["0", 0],
    "method": ["0", "1", 0, 1],
    "note": [
        *("", " ", "x" * 1024, "ș" * 1024, "🎉" * 1024, 'Bună "ziua" \\ 🎉', "\ufeff", "\u202e"),
        *("\0", "a\r\nb\0c\x1b[31m\x7f\x85", "'; DROP TABLE deliveries; --", "%2F..%00", "0"),
    ],
    "status": ["0", "1", 0, 1],
    "url": [
        *("https://example.com", "HTTP://EXAMPLE.com:8080/a?b=c&d=%20#e", "http://example.com?"),
        *("http://192.168.1.20:3000/", "http://[2001:db8::1]:80/x", "http://example.com:/"),
        *("http://my_host.local/x", "http://bücher.example/ș", "http://example.com/a@b?c=d@e"),
        *("http://example.com/%0d%0a%00", "http://example.com/'\";--", "http://example.com:65535/"),
        "http://example.com/" + "x" * (2048 - 19),
    ],
}


EVERY_FIELD = pytest.mark.parametrize(
    ("operation", "field"),
    [(operation, field) for operation in OPERATIONS for field in REFUSED],
    ids=lambda value: value.name if isinstance(value, Operation) else value,
)


@EVERY_FIELD
async def test_what_is_refused(shared_stage: Stage, operation: Operation, field: str) -> None:
    for came in REFUSED[field]:
        body = {**operation.body, field: came}
        if came is MISSING:
            if operation.method == "PUT" or field not in operation.body:
                continue
            del body[field]
        answer = await shared_stage.request(operation, body)
        assert answer.error == (400, f"pce_{field}_invalid"), came
        assert answer.message.startswith(field)
        assert answer.message.isprintable()
    (event,) = (await shared_stage.api.get(EVENTS)).body["entry"]
    assert event["modified"] == MODIFIED, "nothing has changed"


@EVERY_FIELD
async def test_what_is_taken_is_kept_as_it_came(
    shared_stage: Stage, operation: Operation, field: str
) -> None:
    for came in TAKEN[field]:
        answer = await shared_stage.request(operation, {**operation.body, field: came})
        assert answer.status == operation.status, (came, answer.text)
        assert answer.body[field] == str(came)
        listed = (await shared_stage.api.get(EVENTS)).body["entry"]
        assert answer.body in listed
