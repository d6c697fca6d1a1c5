"""Every operation that is implemented, as a table."""

from dataclasses import dataclass
from typing import Any

from tests.api.running import NEW_EVENT

_EVENTS = "/extensions/{user}/{extension}/phoneCallEvents"
_EVENT = f"{_EVENTS}/{{type}}/{{id}}"
_CALLS = "/phoneCalls/{user}/{extension}"

ON_HOLD = {"action": "OnHold", "phoneCallViewId": "01"}
_NEW_OF_TYPE = {name: value for name, value in NEW_EVENT.items() if name != "type"}


@dataclass(frozen=True, slots=True)
class Operation:
    """``path`` is below /uapi; with what is on the stage the answer has this ``status``."""

    name: str
    method: str
    path: str
    status: int = 200
    body: Any = None

    @property
    def is_of_calls(self) -> bool:
        return self.path.startswith("/phoneCalls")

    @property
    def is_list(self) -> bool:
        return self.method == "GET"


OPERATIONS = [
    Operation("list events", "GET", _EVENTS),
    Operation("create event", "POST", _EVENTS, 201, NEW_EVENT),
    Operation("delete events", "DELETE", _EVENTS),
    Operation("list events of a type", "GET", f"{_EVENTS}/{{type}}"),
    Operation("create event of a type", "POST", f"{_EVENTS}/{{type}}", 201, _NEW_OF_TYPE),
    Operation("delete events of a type", "DELETE", f"{_EVENTS}/{{type}}"),
    Operation("show event", "GET", _EVENT),
    Operation("update event", "PUT", _EVENT, 200, {"note": "changed"}),
    Operation("delete event", "DELETE", _EVENT),
    Operation("list deliveries", "GET", f"{_EVENT}/deliveries"),
    Operation("retry deliveries", "POST", f"{_EVENT}/deliveries"),
    Operation("show delivery", "GET", f"{_EVENT}/deliveries/{{deliveryId}}"),
    Operation("retry delivery", "POST", f"{_EVENT}/deliveries/{{deliveryId}}"),
    Operation("list calls", "GET", _CALLS),
    Operation("act on calls", "PUT", _CALLS, 200, {"action": "OnHold"}),
    Operation("show call", "GET", f"{_CALLS}/{{phoneCallId}}"),
    Operation("act on call", "PUT", f"{_CALLS}/{{phoneCallId}}", 200, ON_HOLD),
]

LISTS = [operation for operation in OPERATIONS if operation.is_list]
WITH_BODY = [operation for operation in OPERATIONS if operation.body is not None]

_EXTENSION = "/extensions/{user}/{extension}"
TO_COME = [
    Operation(path.rpartition("/")[2], method, path, 501)
    for method, path in (
        ("POST", "/phoneCalls/{user}/simple"),
        ("POST", "/phoneCalls/{user}/callback"),
        ("POST", "/phoneCalls/{user}/conferenceInvite"),
        ("DELETE", _CALLS),
        ("DELETE", f"{_CALLS}/{{phoneCallId}}"),
        ("GET", f"{_EXTENSION}/presence"),
        ("GET", f"{_EXTENSION}/queue/agents"),
        ("PUT", f"{_EXTENSION}/queue/agents"),
        ("GET", f"{_EXTENSION}/queue/agents/{{agent}}"),
        ("PUT", f"{_EXTENSION}/queue/agents/{{agent}}"),
        ("POST", "/faxes/{user}/{extension}"),
        ("GET", "/cdr"),
        ("GET", "/cdr/{user}"),
        ("GET", "/cdr/stats/{user}"),
    )
]
