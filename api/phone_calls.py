"""``/phoneCalls/{user}/{extension}[/{phoneCallId}]``: the live calls."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from api.answers import Resource, array_answer, collection_answer
from api.audit import ACCEPTED, DONE, outcome_of, tell_deed, tell_outcomes
from api.auth import caller
from api.errors import UapiError, access_denied, error_body, invalid
from api.json_answer import JsonAnswer
from api.json_body import read_object
from api.list_request import parse_list_request
from api.of_service import OfService
from api.phone_call_actions import (
    Action,
    PhoneCallAction,
    all_failed,
    failure,
    holder_for,
    legs_in_conversation,
    parse_action,
)
from api.phone_call_json import FIELDS, accepted_json, phone_call_json
from api.uri import SELF, ExtensionScope, extension_scope, is_object_id, own_url
from daemon.calls.model import PhoneCall, PhoneCallView
from daemon.holds.hold import Failed, HoldOutcome


class PhoneCallsResource(OfService):
    """List the calls in which an extension or a user has a leg, put them on hold and back."""

    async def list_calls(self, request: Request) -> Response:
        scope, call_id = self._subject(request)
        wanted = parse_list_request(request.query_params, FIELDS, self._zone)
        return collection_answer(
            [self._json(scope, call) for call in self._calls(scope, call_id)],
            wanted,
            own_url(request, self._settings.http.base_url),
            request.query_params,
            self._settings.api.empty,
        )

    async def act(self, request: Request) -> Response:
        scope, call_id = self._subject(request)
        asked = parse_action(await read_object(request))
        tell_deed(request, _deed(asked.action, scope, call_id))
        if call_id is None:
            return await self._act_on_all(request, scope, asked.action)
        return await self._act_on_one(request, scope, call_id, asked)

    async def _act_on_one(
        self, request: Request, scope: ExtensionScope, call_id: str, asked: PhoneCallAction
    ) -> Response:
        calls = self._calls(scope, call_id)
        if not calls:
            allowed = "the id of a live call of this extension"
            raise invalid("pc_phonecall_invalid", "The phoneCallId in the URI", call_id, allowed)
        view = holder_for(
            calls[0],
            self._extensions(scope, calls[0]),
            asked.view_id,
            named_extension=scope.extension is not None,
        )
        tell_deed(request, _deed(asked.action, scope, call_id, view))
        (outcome,) = await self._outcomes(asked.action, [view])
        error = failure(view.id, outcome)
        if error is not None:
            raise error
        if outcome is None:
            return JsonAnswer(accepted_json(calls[0], self._url(scope, calls[0])), 202)
        now = self._calls(scope, call_id)
        if not now:  # hung up in the meantime
            return array_answer([], self._settings.api.empty)
        return JsonAnswer(self._json(scope, now[0]))

    async def _act_on_all(
        self, request: Request, scope: ExtensionScope, action: Action
    ) -> Response:
        """Every leg is asked, and each outcome told: a call as it is now, or with its ``error``.

        Where nothing succeeded the answer is an error, whose message has them all.
        """
        legs = [
            (call, view)
            for call in self._calls(scope, None)
            for view in legs_in_conversation(call, self._extensions(scope, call), action)
        ]
        outcomes = await self._outcomes(action, [view for _, view in legs])
        results = [
            (call, outcome, failure(view.id, outcome))
            for (call, view), outcome in zip(legs, outcomes, strict=True)
        ]
        deeds = [_deed(action, scope, call.id, view) for call, view in legs]
        told = [_told(outcome, error) for _, outcome, error in results]
        tell_outcomes(request, list(zip(deeds, told, strict=True)))
        failures = [error for _, _, error in results if error is not None]
        if failures and len(failures) == len(results):
            raise all_failed(failures)
        pending = {call.id for call, outcome, _ in results if outcome is None}
        failed = {call.id: error for call, _, error in results if error is not None}
        now = {call.id: call for call in self._calls(scope, None)}
        answers = []
        for call in {call.id: call for call, _ in legs}.values():
            accepted = accepted_json(call, self._url(scope, call))
            if call.id in failed:
                answers.append({**accepted, **error_body(failed[call.id])})
            elif call.id in pending:
                answers.append(accepted)
            elif call.id in now:  # else it was hung up in the meantime
                answers.append(self._json(scope, now[call.id]))
        return array_answer(answers, self._settings.api.empty, 202 if pending else 200)

    async def _outcomes(
        self, action: Action, views: list[PhoneCallView]
    ) -> list[HoldOutcome | None]:
        """One for each view, None for those that are still at work when the time is over."""
        holds = self._service.holds
        begin = holds.hold if action is Action.ON_HOLD else holds.resume
        tasks = [begin(view) for view in views]
        if tasks:
            await asyncio.wait(tasks, timeout=self._settings.api.hold_timeout)
        return [_outcome(task) for task in tasks]

    def _subject(self, request: Request) -> tuple[ExtensionScope, str | None]:
        path = request.path_params
        scope = extension_scope(
            self._service.directory, caller(request), path["user"], path["extension"], access_denied
        )
        call_id = path.get("phoneCallId")
        if call_id is not None and not is_object_id(call_id):
            allowed = "1 to 255 letters and digits"
            raise invalid("pc_phonecall_invalid", "The phoneCallId in the URI", call_id, allowed)
        return scope, call_id

    def _calls(self, scope: ExtensionScope, call_id: str | None) -> list[PhoneCall]:
        """The scope's calls, oldest first, or the one of them with this id if there is one."""
        if scope.extension is None:
            calls = self._service.calls.usable_by(scope.user)
        else:
            calls = self._service.calls.of_extensions([scope.extension])
        return [call for call in calls if call_id in (None, call.id)]

    def _extensions(self, scope: ExtensionScope, call: PhoneCall) -> frozenset[str]:
        """The extensions in a call that the scope covers."""
        if scope.extension is not None:
            return frozenset({scope.extension})
        present = {view.extension for view in call.views if view.extension}
        may_use = self._service.directory.people.may_use
        return frozenset(number for number in present if may_use(scope.user, number))

    def _json(self, scope: ExtensionScope, call: PhoneCall) -> Resource:
        return phone_call_json(call, self._url(scope, call), self._service.directory, self._zone)

    def _url(self, scope: ExtensionScope, call: PhoneCall) -> str:
        return f"{self._settings.http.base_url}/uapi/phoneCalls/{scope.path}/{call.id}"


def _deed(
    action: Action, scope: ExtensionScope, call_id: str | None, view: PhoneCallView | None = None
) -> str:
    """What is asked for, in words for the audit."""
    calls = "all calls" if call_id is None else f"call {call_id}"
    what = calls if view is None else f"view {view.id} of {calls}"
    return f"{action}, {what}, {scope.extension or SELF}"


def _told(outcome: HoldOutcome | None, error: UapiError | None) -> str:
    if error is not None:
        return outcome_of(error)
    return ACCEPTED if outcome is None else DONE


def _outcome(task: asyncio.Task[HoldOutcome]) -> HoldOutcome | None:
    if not task.done():
        return None
    if task.cancelled():
        return Failed("Not finished: the daemon is being stopped.", unavailable=True)
    return task.result()
