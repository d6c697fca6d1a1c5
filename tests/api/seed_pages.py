"""The examples of the UAPI's documentation, and how an answer compares with one.

A file in ``seeds/`` has a request and the answers printed to it. ``compare`` finds where an answer
differs; ``seed_differences`` has the differences that are meant.
"""

import json
import re
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

_SEEDS = Path(__file__).with_name("seeds")
_PART = re.compile(r"^--- (request|response)$", re.MULTILINE)
# As printed: on one line or several, "HOST x" without a colon, HTTP/1.1 without the space before
# it or on the next line or not at all.
_REQUEST = re.compile(
    r"(?P<method>[A-Z]+) (?P<target>\S+?)\s*(?:HTTP/1\.1)?\s+HOST \S+(?P<rest>.*)", re.DOTALL
)
# Between two members of an object or after an array, where the page forgot the comma.
_FORGOTTEN_COMMA = re.compile(r'(["\]}])(\s+")')

_FORMS = {
    "url": re.compile(r"https?://\S+"),
    "caller id": re.compile(r"[^<>]+ <[0-9*+]+>"),
    "id": re.compile(r"[A-Za-z0-9]+"),
}

ABSENT: Final = "(absent)"


@dataclass(frozen=True, slots=True)
class SeedRequest:
    """A request with the misprints of its head put right; ``body`` is exactly as printed."""

    method: str
    target: str
    body: str

    def as_bytes(self, token: str) -> bytes:
        """What goes over the wire, with what an HTTP client adds."""
        lines = [
            f"{self.method} {self.target} HTTP/1.1",
            "Host: uapi.voipnow.com",
            "Content-Type: application/json",
            f"Authorization: Bearer {token}",
            *([f"Content-Length: {len(self.body)}"] if self.body else []),
            "Connection: close",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()


@dataclass(frozen=True, slots=True)
class SeedResponse:
    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """At ``path`` (``phoneCallView[0].flow``) the page and the answer are not alike."""

    path: str
    page: object
    answer: object


def read_example(name: str) -> tuple[SeedRequest, list[SeedResponse]]:
    """The request of ``seeds/{name}.txt`` and the answers printed to it."""
    printed = (_SEEDS / f"{name}.txt").read_text(encoding="utf-8")
    # The pages indent with no-break spaces, which JSON does not know.
    _, *parts = _PART.split(printed.replace("\N{NO-BREAK SPACE}", " "))
    texts = [(kind, text.strip()) for kind, text in zip(parts[::2], parts[1::2], strict=True)]
    (request,) = (_read_request(text) for kind, text in texts if kind == "request")
    return request, [_read_response(text) for kind, text in texts if kind == "response"]


def compare(
    page: object, answer: object, of_the_moment: Set[str] = frozenset(), path: str = ""
) -> list[Difference]:
    """Field by field; values at the paths ``of_the_moment`` need only have the same form."""
    if isinstance(page, dict) and isinstance(answer, dict):
        return [
            difference
            for name in page | answer
            for difference in compare(
                page.get(name, ABSENT),
                answer.get(name, ABSENT),
                of_the_moment,
                f"{path}.{name}" if path else name,
            )
        ]
    if isinstance(page, list) and isinstance(answer, list):
        return [
            difference
            for index in range(max(len(page), len(answer)))
            for difference in compare(
                page[index] if index < len(page) else ABSENT,
                answer[index] if index < len(answer) else ABSENT,
                of_the_moment,
                f"{path}[{index}]",
            )
        ]
    if path in of_the_moment and _form(page) == _form(answer) is not None:
        return []
    same = type(page) is type(answer) and page == answer
    return [] if same else [Difference(path, page, answer)]


def _read_request(text: str) -> SeedRequest:
    match = _REQUEST.fullmatch(text)
    assert match, text
    _, brace, body = match["rest"].partition("{")
    return SeedRequest(match["method"], match["target"], brace + body)


def _read_response(text: str) -> SeedResponse:
    status = int(text.split()[1])
    start = min(text.index(bracket) for bracket in "[{" if bracket in text)
    return SeedResponse(status, json.loads(_FORGOTTEN_COMMA.sub(r"\1,\2", text[start:])))


def _form(value: object) -> str | None:
    if not isinstance(value, str) or value == ABSENT:
        return None
    try:
        return "date" if datetime.fromisoformat(value).tzinfo and "T" in value else None
    except ValueError:
        return next((name for name, form in _FORMS.items() if form.fullmatch(value)), None)
