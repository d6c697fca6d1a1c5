"""``GET /ready``, for monitoring and load balancers: needs no token and tells nothing of calls."""

from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.answers import Resource
from api.dates import date_text
from api.errors import error_body, pbx_unavailable
from daemon.pbx.line import LineStatus
from daemon.service import Service


class ReadinessResource:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def show(self, request: Request) -> Response:
        """200 when calls are known and can be acted on; 503, an error too, when not."""
        readiness = self._service.readiness
        zone = self._service.settings.node.tzinfo
        lines = {name.lower(): _line(status, zone) for name, status in readiness.lines.items()}
        body = {"ready": readiness.ready, "lines": lines}
        if readiness.ready:
            return JSONResponse(body)
        error = pbx_unavailable(f"The PBX cannot be used now: {readiness.obstacle}.")
        return JSONResponse({**body, **error_body(error)}, error.status, error.headers)


def _line(status: LineStatus, zone: ZoneInfo | None) -> Resource:
    age = status.last_message_age
    return {
        "state": status.state,
        "since": date_text(status.since, zone),
        "lastMessage": None if age is None else round(age, 3),
        "reason": status.reason,
    }
