"""The document at /openapi.json: that it is whole, and says what the modules that serve say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema_rs
import pytest
from starlette.routing import BaseRoute, Mount, Route

from api import delivery_json, phone_call_event_json, phone_call_json
from api.app import create_app
from api.list_request import ResourceFields
from api.openapi.document import document
from daemon.events.matching import form, parameters
from daemon.events.phone_call_events import Method
from daemon.events.signature import new_secret
from daemon.service import Service
from tests.api.running import PUBLIC_URL, RunningApi, settings_for
from tests.unit.daemon.events.changes import A_DELIVERY, DIAL_IN
from tests.unit.daemon.events.raw_server import sending
from tests.unit.webhook_receiver import Receiver

DOCUMENT = document(PUBLIC_URL)
SCHEMAS = DOCUMENT["components"]["schemas"]
WEBHOOK = DOCUMENT["webhooks"]["callEvent"]


def served(routes: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each method of each address that the app has."""
    for route in routes:
        if isinstance(route, Mount):
            yield from served(route.routes, prefix + route.path)
        else:
            assert isinstance(route, Route)
            # What answers all methods by itself is the token endpoint.
            for method in route.methods or ("OPTIONS", "POST"):
                yield method.lower(), prefix + route.path_format


def described() -> Iterator[tuple[str, str]]:
    for path, item in DOCUMENT["paths"].items():
        for method in item.keys() - {"parameters"}:
            yield method, path


def everything_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from everything_in(part)


def test_every_route_is_described_and_nothing_else(tmp_path: Path) -> None:
    routes = create_app(Service(settings_for(tmp_path))).routes
    assert sorted(described()) == sorted(served(routes))


async def test_it_is_served_to_everybody(api: RunningApi) -> None:
    answer = await api.request("GET", "/openapi.json", headers={})
    assert answer.status == 200
    assert answer.body == DOCUMENT
    assert answer.body["servers"] == [{"url": PUBLIC_URL}]


def test_every_reference_leads_somewhere() -> None:
    for part in everything_in(DOCUMENT):
        if "$ref" in part:
            found: Any = DOCUMENT
            for name in part["$ref"].removeprefix("#/").split("/"):
                found = found[name]


def test_nothing_is_described_that_no_operation_has() -> None:
    used = {part["$ref"] for part in everything_in(DOCUMENT) if "$ref" in part}
    has = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "parameters", "responses")
        for name in DOCUMENT["components"][kind]
    }
    assert has == used


def test_every_segment_of_a_path_is_a_parameter() -> None:
    for path, item in DOCUMENT["paths"].items():
        names = [resolved(each)["name"] for each in item.get("parameters", [])]
        assert [part[1:-1] for part in path.split("/") if part.startswith("{")] == names


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    kind, name = part["$ref"].split("/")[-2:]
    found: dict[str, Any] = DOCUMENT["components"][kind][name]
    return found


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [part["operationId"] for part in everything_in(DOCUMENT) if "operationId" in part]
    assert len(set(names)) == len(names) == len(list(described())) + len(WEBHOOK)


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_json_schema(name: str) -> None:
    validator(SCHEMAS[name])


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("PhoneCallEventFields", phone_call_event_json.FIELDS),
        ("PhoneCallFields", phone_call_json.FIELDS),
        ("DeliveryFields", delivery_json.FIELDS),
    ],
)
def test_resources_have_the_fields_that_lists_know(name: str, fields: ResourceFields) -> None:
    assert tuple(SCHEMAS[name]["properties"]) == fields.names


def test_call_events_have_the_ten_parameters() -> None:
    assert set(SCHEMAS["CallEventParameters"]["properties"]) == set(parameters(DIAL_IN))


@pytest.mark.parametrize("method", Method)
async def test_a_webhook_is_what_it_says(method: Method) -> None:
    delivery = A_DELIVERY._replace(
        method=method, form=form(DIAL_IN), secrets=(new_secret(), new_secret())
    )
    async with Receiver() as app, sending() as sender:
        await sender.send(delivery._replace(url=f"{app.url}/?mine=1"))
    came = app.requests[0]
    said = WEBHOOK[came.method.lower()]
    expected = {(each["in"], each["name"]): each["schema"] for each in said["parameters"]}
    headers = {
        ("header", name): value
        for name, value in came.headers.items()
        if name.startswith(("webhook-", "uapid-"))
    }
    query = dict(parse_qsl(came.target.partition("?")[2], keep_blank_values=True))
    assert query.pop("mine") == "1"
    found = headers | {("query", name): value for name, value in query.items()}
    assert found.keys() == expected.keys()
    for where, schema in expected.items():
        value = int(found[where]) if schema.get("type") == "integer" else found[where]
        validator(schema).validate(value)
    if method is Method.POST:
        content = said["requestBody"]["content"][came.headers["content-type"]]
        validator(content["schema"]).validate(dict(parse_qsl(came.body, keep_blank_values=True)))


def validator(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    complete = {**schema, "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(complete)
