"""``…/phoneCallEvents/{type}/{id}/deliveries[/{deliveryId}]``: what was sent to an app, or waits.

Ours: the UAPI of VoipNow has no such address.
"""

import re
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from api.answers import array_answer, collection_answer, page_answer
from api.audit import tell_deed
from api.delivery_json import FIELDS, delivery_json, unix_date_text
from api.errors import UapiError, invalid
from api.filters import Filter
from api.json_answer import JsonAnswer
from api.list_request import parse_list_request
from api.of_service import OfService
from api.phone_call_events import named_subject, no_such_event
from api.uri import own_url
from daemon.events.deliveries import DeliveryState
from daemon.events.replay import Replay
from daemon.events.selection import MISSED, Selection
from daemon.events.sight import Glance

ANSWERED_IDS = 5000
"""How many of those that were put back into the queue an answer names."""

DELIVERY_ID = re.compile(r"[A-Za-z0-9_]{1,255}")


class DeliveriesResource(OfService):
    """List the deliveries of a PhoneCallEvent, show one, send one or all again."""

    async def list_deliveries(self, request: Request) -> Response:
        event, url = await self._event(request)
        wanted = parse_list_request(request.query_params, FIELDS, self._zone)
        states, matches = frozenset(DeliveryState), None
        if wanted.filter is not None:
            states, matches = self._chosen(wanted.filter)
        page = await self._service.deliveries.page(
            Selection(states=states, event=event),
            wanted.descending,
            wanted.start_index,
            wanted.count,
            matches,
        )
        return page_answer(
            [
                delivery_json(each, self._zone, f"{url}/{each.webhook_id}")
                for each in page.deliveries
            ],
            page.total,
            wanted,
            own_url(request, self._settings.http.base_url),
            request.query_params,
            self._settings.api.empty,
        )

    async def show(self, request: Request) -> Response:
        event, url = await self._event(request)
        wanted = parse_list_request(request.query_params, FIELDS, self._zone)
        found = await self._service.deliveries.show(_delivery_id(request), event)
        if found is None:
            raise _no_such_delivery(request)
        delivery, attempts = found
        return collection_answer(
            [delivery_json(delivery, self._zone, f"{url}/{delivery.webhook_id}", attempts)],
            wanted,
            own_url(request, self._settings.http.base_url),
            request.query_params,
            self._settings.api.empty,
        )

    async def retry(self, request: Request) -> Response:
        """Whatever its state; one that has had no attempt yet is left as it is."""
        event, url = await self._event(request)
        delivery_id = _delivery_id(request)
        tell_deed(request, f"retry delivery {delivery_id} of PhoneCallEvent {event}")
        if await self._service.deliveries.show(delivery_id, event) is None:
            raise _no_such_delivery(request)
        if await self._service.deliveries.retry(delivery_id) is Replay.ORPHANED:
            raise no_such_event(event)
        found = await self._service.deliveries.show(delivery_id, event)
        if found is None:  # deleted in the meantime
            raise _no_such_delivery(request)
        delivery, attempts = found
        return JsonAnswer(delivery_json(delivery, self._zone, f"{url}/{delivery_id}", attempts))

    async def retry_all(self, request: Request) -> Response:
        event, _ = await self._event(request)
        tell_deed(request, f"retry all deliveries of PhoneCallEvent {event}")
        ids = await self._service.deliveries.retry_all(event, ANSWERED_IDS)
        return array_answer([{"id": each} for each in ids], self._settings.api.empty)

    async def _event(self, request: Request) -> tuple[str, str]:
        """The id of the PhoneCallEvent, which exists, and the address of its deliveries."""
        subject = named_subject(self._service, request)
        type, event = request.path_params["type"], request.path_params["id"]
        found = await self._service.phone_call_events.find(subject.extension, subject.type, event)
        if not found:
            raise no_such_event(event)
        return event, f"{subject.list_url}/{type}/{event}/deliveries"

    def _chosen(
        self, condition: Filter
    ) -> tuple[frozenset[DeliveryState], Callable[[Glance], bool] | None]:
        """What is found by an index, and what has to be looked at one by one."""
        everything = frozenset(DeliveryState)
        if condition.field == "state":
            states = frozenset(each for each in everything if condition.matches({"state": each}))
            if states <= MISSED:
                return states, None
            return everything, lambda glance: glance.state in states
        if condition.field == "id":
            return everything, lambda glance: condition.matches({"id": glance.webhook_id})
        zone = self._zone
        return everything, lambda glance: condition.matches(
            {"created": unix_date_text(glance.created, zone)}
        )


def _delivery_id(request: Request) -> str:
    delivery_id: str = request.path_params["deliveryId"]
    if not DELIVERY_ID.fullmatch(delivery_id):
        raise _invalid_id(delivery_id, "1 to 255 letters, digits and _")
    return delivery_id


def _no_such_delivery(request: Request) -> UapiError:
    allowed = "the id of a delivery of this event, which is its webhook-id"
    return _invalid_id(request.path_params["deliveryId"], allowed)


def _invalid_id(came: str, allowed: str) -> UapiError:
    return invalid("delivery_id_invalid", "The deliveryId in the URI", came, allowed)
