"""Every operation, at every way to write its address."""

from itertools import product

import pytest

from tests.api.conformance.operations import OPERATIONS, Operation
from tests.api.conformance.stage import Stage

PREFIXES = ("/uapi", "/unifiedapi")
ENDS = ("", "/")
ENCODINGS: tuple[dict[str, str], ...] = (
    {"user": "@me", "extension": "0003*210"},
    {"user": "%40me", "extension": "0003%2A210"},
    {"user": "%40viewer", "extension": "0003%2a210"},
    {"user": "%40%6De", "extension": "%30003*2%310"},
    {"user": "@owner", "extension": "210"},
    {"user": "12", "extension": "%32%31%30"},
    {"user": "0012", "extension": "0003*210"},
)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_every_spelling_does_the_same(stage: Stage, operation: Operation) -> None:
    answers = []
    for prefix, end, encoding in product(PREFIXES, ENDS, ENCODINGS):
        path = await stage.path(operation, **encoding)
        for query in ("", "?x=y"):
            answer = await stage.api.request(
                operation.method, f"{prefix}{path}{end}{query}", operation.body
            )
            assert answer.status == operation.status, (path, answer.text)
            answers.append(answer)
            path = await stage.path(operation, **encoding)
    assert len(answers) == len(PREFIXES) * len(ENDS) * len(ENCODINGS) * 2
    assert not any("location" in answer.headers for answer in answers)


MISSPELT = [
    "/Uapi{path}",
    "/UAPI{path}",
    "/uapi/{path}",
    "//uapi{path}",
    "/uapi{path}//",
    "/uapi{path}/x/y/z",
    "/uapi/.{path}",
    "/uapi/..{path}",
    "/uapi/%2e%2e{path}",
    "/uapi%2f..{path}",
    "/unifiedapi/uapi{path}",
    "/x/uapi{path}",
    "/uapi/unifiedapi{path}",
    "{path}",
]


@pytest.mark.parametrize("misspelt", MISSPELT)
async def test_other_addresses_are_of_nothing(stage: Stage, misspelt: str) -> None:
    for operation in OPERATIONS:
        path = misspelt.format(path=await stage.path(operation))
        answer = await stage.api.request(operation.method, path, operation.body)
        assert answer.error == (404, "not_found"), path
        assert answer.message.isprintable()
