"""Every segment of every operation's path, with what it may be and what it may not."""

import pytest

from tests.api.conformance.operations import OPERATIONS, Operation
from tests.api.conformance.stage import MODIFIED, Stage
from tests.api.running import EVENTS

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Between spaces, as they go out.
REFUSED = {
    "user": (
        "user_invalid",
        "@self @ME @Owner me @ @@me %40me%20 @me,@me x 99 -12 %2B12 1.2 12%20 0x0c "
        f"{'9' * 18} {'1' * 19} {'1' * 5000} %00 %D9%A1%D9%A2 %F0%9F%8E%89 %ff ' 12;--",
    ),
    "extension": (
        "extension_invalid",
        "0003*999 0003 abc 0003*21 0003*2100 * ** *210 0003* 10 0003*210%20 %200003*210 0003**210 "
        f"@me @self@ @SELF self %2B210 -210 210.0 {'1' * 5000} %00 0003*210%00 %D9%A3 "
        "0003%EF%BC%8A210 %ff ' _X. 0003*2XX",
    ),
    "type": (
        "pce_type_invalid",
        f"5 -1 00 0.0 %200 0%20 +0 x DialIn {'9' * 5000} %00 %D9%A0 %ff null true '",
    ),
    "id": (
        "pce_id_invalid",
        f"unknown x 0 {'x' * 255} {'x' * 256} {'x' * 5000} a-b a_b a.b a*b %27 a%20b %00 %C8%99 "
        "%ff @self",
    ),
    "phoneCallId": (
        "pc_phonecall_invalid",
        f"{'x' * 256} {'x' * 5000} a-b a_b a*b %27 %20 %00 %C8%99 %ff @self",
    ),
    "deliveryId": (
        "delivery_id_invalid",
        f"msg_unknown x _ {'x' * 255} {'x' * 256} {'x' * 5000} a-b %27 a%20b %00 %C8%99 %ff",
    ),
}

TAKEN = {
    "user": ["@me", "@viewer", "@owner", "12", "012", "0012", "0" * 500 + "12"],
    "extension": ["0003*210", "210", "%30003%2A210"],
}

OF_ANOTHER = [
    ("@me", "0003*024"),  # another user's
    ("@owner", "0003*024"),
    ("@viewer", "0003*900"),  # nobody's
    ("13", "0003*024"),
    ("0013", "0003*210"),
    ("13", "@self"),
    ("13", "nothing"),
]

EVERY_OPERATION = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda operation: operation.name
)


def with_segment(*names: str) -> pytest.MarkDecorator:
    """Every operation that has such a segment."""
    return pytest.mark.parametrize(
        ("operation", "name"),
        [
            (operation, name)
            for operation in OPERATIONS
            for name in names
            if f"{{{name}}}" in operation.path
        ],
        ids=lambda value: value.name if isinstance(value, Operation) else value,
    )


@with_segment(*REFUSED)
async def test_what_is_refused(shared_stage: Stage, operation: Operation, name: str) -> None:
    code, values = REFUSED[name]
    for came in values.split():
        answer = await shared_stage.request(operation, **{name: came})
        assert answer.error == (400, code), came
        assert answer.message.isprintable(), came
        assert len(answer.message) < 400
    (event,) = (await shared_stage.api.get(EVENTS)).body["entry"]
    assert event["modified"] == MODIFIED, "nothing has changed"


@with_segment(*REFUSED)
async def test_with_a_line_break_it_is_no_address(
    shared_stage: Stage, operation: Operation, name: str
) -> None:
    for came in ("x%0a", "%0d%0aX"):
        answer = await shared_stage.request(operation, **{name: came})
        assert answer.error == (404, "not_found")
        assert answer.message.isprintable()


@with_segment(*TAKEN)
async def test_what_is_taken(shared_stage: Stage, operation: Operation, name: str) -> None:
    for came in TAKEN[name]:
        answer = await shared_stage.request(operation, **{name: came})
        assert answer.status == operation.status, came


@EVERY_OPERATION
async def test_self_is_all_extensions_for_calls_alone(
    shared_stage: Stage, operation: Operation
) -> None:
    answer = await shared_stage.request(operation, extension="@self")
    if operation.is_of_calls:
        assert answer.status == operation.status
    else:
        assert answer.error == (400, "extension_invalid")


@EVERY_OPERATION
async def test_what_is_somebody_elses(shared_stage: Stage, operation: Operation) -> None:
    for user, extension in OF_ANOTHER:
        answer = await shared_stage.request(operation, user=user, extension=extension)
        if operation.is_of_calls:
            assert answer.error == (401, "access_denied"), (user, extension)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        else:
            assert answer.error == (400, "pce_access_denied"), (user, extension)
            assert "WWW-Authenticate" not in answer.headers


@with_segment("id")
async def test_an_event_is_of_one_type_and_one_extension(
    shared_stage: Stage, operation: Operation, name: str
) -> None:
    for other in (
        *({"type": type} for type in "1234"),
        *({"extension": number} for number in ("0003*211", "0003*800")),
    ):
        answer = await shared_stage.request(operation, **other)
        assert answer.error == (400, "pce_id_invalid"), other


@with_segment("phoneCallId")
async def test_a_call_that_is_not_there(
    shared_stage: Stage, operation: Operation, name: str
) -> None:
    for id in ("x", "x" * 255, "b817d2618fe6f180433", "B817D2618FE6F1804333"):
        answer = await shared_stage.request(operation, phoneCallId=id)
        if operation.is_list:
            assert (answer.status, answer.text) == (204, "")
        else:
            assert answer.error == (400, "pc_phonecall_invalid")
