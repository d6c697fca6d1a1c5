"""Requests that schemathesis makes of the document, and what must hold of every answer to them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.generation.case import Case
from schemathesis.generation.drivers import CoverageGenerator
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.generation.overrides import Override
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlite_utils import Database

from daemon.events.outbox_sql import record
from tests.api.generated.daemon import Running
from tests.api.running import NEW_EVENT
from tests.unit.daemon.events.changes import DIAL_IN
from tests.unit.daemon.people import JOHN

_Operation = APIOperation[Any, Any, Any, Any]
_Case = Case[Any]
Segments = Callable[[], dict[str, str]]
_CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Documented, and yet nothing that a request may bring about while the PBX and the store are there.
_NEVER = (500, 502, 503)


class Requests:
    """``statuses`` counts the answers, ``succeeded`` has the operations that had a good one."""

    def __init__(self, running: Running) -> None:
        self.statuses: Counter[int] = Counter()
        self.succeeded: set[str] = set()
        self._running = running
        self._session = requests.Session()
        self._session.trust_env = False
        schema = schemathesis.openapi.from_url(f"{running.base_url}/openapi.json")
        schema.config.generation.update(with_security_parameters=False)
        self.operations: list[_Operation] = [
            each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)
        ]
        self._generation = schema.config.generation

    @property
    def can_succeed(self) -> set[str]:
        """The operations that are implemented."""
        return {
            operation.label
            for operation in self.operations
            if any(status < "300" for status in operation.definition.raw["responses"])
        }

    def cover(self, path: Segments, token: str) -> None:
        """Each parameter and field of each operation at and beyond each of its limits.

        ``path`` tells for each operation the segments of paths that are not to be made up.
        """
        for operation in self.operations:
            self._send(self._covering(operation, self._fitting(operation, path())), token)

    def draw(self, mode: GenerationMode, examples: int, path: Segments) -> None:
        """So many requests of each operation at random, but for HEAD, which is GET, and OPTIONS."""
        for operation in self.operations:
            given = self._fitting(operation, path())
            if operation.method not in ("head", "options") and _leaves_a_choice(operation, given):
                self._draw(operation, mode, examples, given)

    def there(self) -> dict[str, str]:
        """Segments of paths to what there is; what was deleted is there anew."""
        extension = f"{self._running.base_url}/uapi/extensions/@me/{JOHN}/phoneCallEvents"
        headers = {"Authorization": f"Bearer {self._running.token}"}
        answer = self._session.post(extension, json=NEW_EVENT, headers=headers)
        assert answer.status_code == 201, answer.text
        event = answer.json()["id"]
        with closing(Database(self._running.store)) as db, db.conn:
            record(db, [DIAL_IN], {}, 1_700_000_000.0, wait=1e9)
            query = "SELECT webhook_id FROM deliveries WHERE event = ?"
            ((delivery,),) = db.execute(query, [event])
        return {
            "user": "@me",
            "extension": JOHN,
            "type": "0",
            "id": event,
            "deliveryId": delivery,
            "phoneCallId": self._running.call,
        }

    def _fitting(self, operation: _Operation, path: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in path.items() if f"{{{name}}}" in operation.path}

    def _covering(self, operation: _Operation, path: dict[str, str]) -> Iterator[_Case]:
        return iter(
            CoverageGenerator(
                operation=operation,
                generation_modes=list(GenerationMode),
                generation_config=self._generation,
                auth_storage=None,
                override=Override(query={}, headers={}, cookies={}, path_parameters=path, body={}),
                feedback=NO_FEEDBACK,
            )
        )

    def _draw(
        self,
        operation: _Operation,
        mode: GenerationMode,
        examples: int,
        path: dict[str, str],
    ) -> None:
        @settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode, path_parameters=path or None))
        def send(case: _Case) -> None:
            self._send([case], self._running.token)

        send()

    def _send(self, cases: Iterable[_Case], token: str) -> None:
        for case in cases:
            response = case.call(
                base_url=self._running.base_url,
                session=self._session,
                headers={"Authorization": f"Bearer {token}"},
            )
            case.validate_response(response, checks=_CHECKS)
            assert response.status_code not in _NEVER, (case.as_curl_command(), response.text)
            self.statuses[response.status_code] += 1
            if response.status_code < 300:
                self.succeeded.add(case.operation.label)


def _leaves_a_choice(operation: _Operation, path: dict[str, str]) -> bool:
    """Whether there is anything to draw when these segments are given."""
    segments = {parameter.name for parameter in operation.path_parameters}
    return bool(list(operation.query) or list(operation.body) or segments - path.keys())
