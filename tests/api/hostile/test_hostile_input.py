"""Input of every kind, at every place where it comes in: it reaches neither the PBX nor SQL, and no
line of the log is made by it."""

import base64
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from api.list_request import PARAMETERS
from tests.api.conformance.operations import OPERATIONS, WITH_BODY, Operation
from tests.api.hostile.scene import EVENTS, JOHN, Scene, encoded, hostile_scene
from tests.api.running import NEW_EVENT
from tests.unit.reproducible import reproducible

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("busy")]

TRICKS = [
    *("\r\nAction: Originate\r\nChannel: PJSIP/0003*211\r\n\r\n", "\n\nAction: Logoff\n\n"),
    *("\r\nCRITICAL daemon.service: forged", "x\nINFO uvicorn: forged", "\x85x", "\u2028x\u2029"),
    *("\r\nSet-Cookie: a=b", "a\r\n\r\n<html>", "\r", "\n", "\0", "a\0b", "0003*210\0"),
    *("'; DROP TABLE phone_call_events; --", "' OR '1'='1", '" OR ""="', "0) OR (1=1", "%", "_%"),
    *("../../../etc/passwd", "..", ".", "./", "..\\..", "//", "/", "%2F", "..%2f", "%2e%2e/", ";"),
    *("?", "#", "?a=b", "&filterBy=id", "%", "%0", "%zz", "%00", "%0d%0a", "%25%30%30", "+", " "),
    *("${SHELL(id)}", "$(id)", "`id`", "|id", "%s%n", "%(name)s", "{0.__class__}", "{{7*7}}"),
    *("\x1b[31m", "\x1b]0;title\x07", "\x7f", "\x08" * 20, "\u202eright", "\ufeff", "\u200b"),
    *(
        "\ud800",
        "\udfff\ud800",
        "\U0010ffff",
        "🎉" * 60,
        "e\u0301" * 60,
        "\u0130",
        "\u0663",
        "\uff10",
    ),
    *("@self", "@me", "@owner", JOHN, "0003*210,0003*211", "_0003*X", "*", "-1", "0", "1e9", "NaN"),
]
hostile = st.one_of(
    st.sampled_from(TRICKS),
    st.text(st.characters(), min_size=1, max_size=60),
    st.lists(
        st.one_of(st.sampled_from(TRICKS), st.text(st.characters(), max_size=5)),
        min_size=2,
        max_size=4,
    ).map("".join),
).filter(bool)
json_values = st.recursive(
    st.one_of(hostile, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(hostile, inner, max_size=3)
    ),
    max_leaves=5,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with hostile_scene(tmp_path_factory.mktemp("hostile")) as scene:
        yield scene


def segments(operation: Operation) -> list[str]:
    return [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]


@reproducible
@given(st.sampled_from(OPERATIONS), st.data())
async def test_in_a_segment_of_the_path(
    scene: Scene, operation: Operation, data: st.DataObject
) -> None:
    before = scene.tables()
    name = data.draw(st.sampled_from(segments(operation)))
    came = data.draw(hostile)
    path = operation.path.format(**{**scene.there, name: encoded(came)})
    # An empty body changes nothing, should the segment be a good one after all.
    answer = await scene.request(operation.method, f"/uapi{path}", {})
    assert answer.status in (200, 204, 400, 401, 404, 405, 501)
    if operation.method != "GET":
        assert scene.tables() == before


# What stands beside it is good, but for what would be a hold.
FIELDS = [
    *((operation, name) for operation in WITH_BODY if operation.is_of_calls for name in ["action"]),
    *(
        (operation, "phoneCallViewId")
        for operation in WITH_BODY
        if "{phoneCallId}" in operation.path
    ),
    *(
        (operation, name)
        for operation in WITH_BODY
        if not operation.is_of_calls
        for name in NEW_EVENT
    ),
]


@reproducible
@given(st.sampled_from(FIELDS), json_values)
async def test_in_a_field_of_the_body(
    scene: Scene, place: tuple[Operation, str], came: object
) -> None:
    operation, name = place
    path = operation.path.format(**scene.there)
    answer = await scene.request(operation.method, f"/uapi{path}", {**operation.body, name: came})
    assert answer.status in (200, 201, 400)
    if answer.status < 300:
        stored = scene.stored(answer.body["id"])
        assert {name: str(stored[name]) for name in NEW_EVENT} == {
            name: answer.body[name] for name in NEW_EVENT
        }
        if answer.status == 201:
            address = f"/uapi{EVENTS}/{answer.body['type']}/{answer.body['id']}"
            assert (await scene.request("DELETE", address)).status == 200


@reproducible
@given(hostile)
async def test_a_note_is_kept_and_answered_as_it_came(scene: Scene, note: str) -> None:
    body = {"note": note}
    answer = await scene.request("PUT", f"/uapi{EVENTS}/0/{scene.there['id']}", body)
    if any("\ud800" <= letter <= "\udfff" for letter in note):
        assert answer.error == (400, "pce_note_invalid")
    else:
        assert answer.body["note"] == note == scene.stored(scene.there["id"])["note"]
        query = f"?fields=note&filterBy=note&filterOp=equals&filterValue={encoded(note)}"
        found = await scene.request("GET", f"/uapi{EVENTS}{query}")
        assert found.body["entry"] == [body]


@reproducible
@given(st.sampled_from([o for o in OPERATIONS if o.is_list]), st.data())
async def test_in_the_query(scene: Scene, operation: Operation, data: st.DataObject) -> None:
    names = st.one_of(st.sampled_from(PARAMETERS), hostile)
    given = data.draw(st.lists(st.tuples(names, hostile), max_size=4))
    query = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in given)
    path = operation.path.format(**scene.there)
    answer = await scene.request("GET", f"/uapi{path}?{query}")
    assert answer.status in (200, 204, 400)


# What a client library lets through: no control characters, nothing beyond Latin-1.
header_values = hostile.map(
    lambda text: "".join(sign for sign in text if " " <= sign <= "\xff" and sign != "\x7f").strip()
)


@reproducible
@given(
    st.sampled_from(OPERATIONS),
    st.sampled_from(
        [
            "Authorization",
            "Content-Type",
            "Host",
            "Accept",
            "X-Forwarded-For",
            "Forwarded",
            "Cookie",
        ]
    ),
    header_values,
)
async def test_in_a_header(scene: Scene, operation: Operation, name: str, came: str) -> None:
    path = operation.path.format(**scene.there)
    value = f"Bearer {came}" if name == "Authorization" else came
    answer = await scene.request("GET", f"/uapi{path}", headers={name: value})
    assert answer.status == 401 if name == "Authorization" else answer.status in (200, 204, 400)
    if came:
        assert came not in answer.text or name != "Authorization", "a secret is not repeated"


@reproducible
@given(st.sampled_from(WITH_BODY), st.binary(max_size=200))
async def test_as_the_body(scene: Scene, operation: Operation, body: bytes) -> None:
    path = operation.path.format(**scene.there)
    answer = await scene.request(operation.method, f"/uapi{path}", data=body)
    assert answer.status == 400


async def test_a_megabyte_as_the_body(scene: Scene) -> None:
    for operation in WITH_BODY:
        for data in (b"x" * 1_000_000, b'{"note": "' + b"\r\n" * 500_000):
            path = operation.path.format(**scene.there)
            answer = await scene.request(operation.method, f"/uapi{path}", data=data)
            assert answer.error == (413, "request_invalid")


async def test_a_megabyte_elsewhere(scene: Scene) -> None:
    long = b"x" * 1_000_000
    for before, after in (
        (b"GET /uapi/", b" HTTP/1.1\r\nHost: x\r\n\r\n"),
        (b"GET /ready?x=", b" HTTP/1.1\r\nHost: x\r\n\r\n"),
        (b"GET /ready HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ", b"\r\n\r\n"),
        (b"GET /ready HTTP/1.1\r\n", b": y\r\nHost: x\r\n\r\n"),
        (b"", b" /ready HTTP/1.1\r\nHost: x\r\n\r\n"),
    ):
        # Whether the answer comes through is a matter of how much was sent when it was made.
        assert await scene.send(before + long + after) in ([], [400], [431])


@reproducible
@given(
    st.sampled_from(["grant_type", "client_id", "client_secret", "redirect_uri", "Authorization"]),
    hostile,
    st.sampled_from(["form", "json", "not encoded"]),
)
async def test_in_a_request_for_a_token(scene: Scene, name: str, came: str, kind: str) -> None:
    fields = {"grant_type": "client_credentials", "client_id": "0123456789ab", "client_secret": "x"}
    raw = came.encode("utf-8", "surrogatepass")
    if name == "Authorization":
        header = f"Basic {base64.b64encode(raw).decode()}"
        assert await scene.ask_token(b"grant_type=client_credentials", Authorization=header) != 200
        return
    if kind == "json":
        body = json.dumps(fields | {name: came}).encode()
        status = await scene.ask_token(body, Content_Type="application/json")
    else:
        value = encoded(came).encode() if kind == "form" else raw
        rest = "&".join(f"{other}={fields[other]}" for other in fields.keys() - {name})
        body = f"{rest}&{name}=".encode() + value
        status = await scene.ask_token(body, Content_Type="application/x-www-form-urlencoded")
    assert status in (400, 401, 429, 501)


@reproducible
@given(
    st.sampled_from(
        [
            (b"", b"\r\n\r\n"),
            (b"GET /", b" HTTP/1.1\r\nHost: x\r\n\r\n"),
            (b"GET /uapi/cdr?x=", b" HTTP/1.1\r\nHost: x\r\n\r\n"),
            (b"GET /uapi/cdr HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ", b"\r\n\r\n"),
            (b"GET /uapi/cdr HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ", b"\r\n\r\n"),
            (b"POST /uapi/cdr HTTP/1.1\r\nHost: x\r\nContent-Length: ", b"\r\n\r\n"),
        ]
    ),
    st.one_of(
        st.binary(max_size=100), hostile.map(lambda text: text.encode("utf-8", "surrogatepass"))
    ),
)
async def test_as_bytes_that_need_not_be_http(
    scene: Scene, around: tuple[bytes, bytes], came: bytes
) -> None:
    statuses = await scene.send(around[0] + came + around[1])
    assert all(400 <= status < 500 for status in statuses)


async def test_what_does_reach_the_pbx_is_seen_here(scene: Scene) -> None:
    """Last of all, so that the tests above are known to look where there is something to see."""
    path = "/uapi/phoneCalls/{user}/{extension}/{phoneCallId}".format(**scene.there)
    with pytest.raises(AssertionError):  # this PBX cannot hold
        await scene.request("PUT", path, {"action": "OnHold", "phoneCallViewId": "01"})
    with pytest.raises(AssertionError, match="Getvar"):
        scene.look()
