"""``GET /ready``, for monitoring and load balancers: needs no token and tells nothing of calls."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from api.answers import Resource
from api.dates import date_text
from api.delivery_json import counts_json
from api.errors import UapiError, error_body, pbx_unavailable, store_unavailable
from api.json_answer import JsonAnswer
from api.of_service import OfService
from daemon.pbx.line import LineStatus
from daemon.readiness import Readiness
from daemon.store import StoreUnavailable


class ReadinessResource(OfService):
    async def show(self, request: Request) -> Response:
        """200 when calls are known and can be acted on; 503, an error too, when not."""
        readiness = self._service.readiness
        zone = self._zone
        deliveries = None
        try:
            deliveries = counts_json(await self._service.deliveries.counts(), zone)
        except StoreUnavailable as error:
            trouble = readiness.store_trouble or str(error)
            readiness = replace(readiness, store_trouble=trouble)
        lines = {name.lower(): _line(status, zone) for name, status in readiness.lines.items()}
        body = {
            "ready": readiness.ready,
            "lines": lines,
            "store": _store(readiness),
            "deliveries": deliveries,
        }
        if readiness.ready:
            return JsonAnswer(body)
        failure = _error(readiness)
        return JsonAnswer({**body, **error_body(failure)}, failure.status, failure.headers)


def _error(readiness: Readiness) -> UapiError:
    if readiness.store_trouble is not None:
        return store_unavailable(f"The store cannot be used now: {readiness.store_trouble}.")
    return pbx_unavailable(f"The PBX cannot be used now: {readiness.pbx_obstacle}.")


def _store(readiness: Readiness) -> Resource:
    state = "up" if readiness.store_trouble is None else "failing"
    return {"state": state, "reason": readiness.store_trouble or "", "held": readiness.held}


def _line(status: LineStatus, zone: ZoneInfo | None) -> Resource:
    age = status.last_message_age
    return {
        "state": status.state,
        "since": date_text(status.since, zone),
        "lastMessage": None if age is None else round(age, 3),
        "reason": status.reason,
    }
