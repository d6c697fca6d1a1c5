"""An app that is told of everything John's phone does, and a PBX that plays calls to the daemon."""

from urllib.parse import parse_qsl

from daemon.events.phone_call_events import EventType, Method, Status
from daemon.service import Service
from tests.unit.ami_server import AmiServer
from tests.unit.daemon.calls.pbx_script import Script
from tests.unit.daemon.people import JOHN
from tests.unit.webhook_receiver import Receiver


async def subscribe_to_all(service: Service, app: Receiver) -> None:
    """Each type of PhoneCallEvent at a path of its own, its number."""
    for type in EventType:
        await service.phone_call_events.create(
            JOHN, type, Method.POST, "", f"{app.url}/{type}", Status.ENABLED, None
        )


def play(server: AmiServer, pbx: Script) -> None:
    """What has happened on the PBX since the last time comes over AMI."""
    server.send(*pbx.events)
    pbx.events.clear()


def received(app: Receiver) -> list[tuple[str, str]]:
    """Path and CallStatus of each webhook, sorted."""
    return sorted(
        (request.target, dict(parse_qsl(request.body))["CallStatus"]) for request in app.requests
    )
