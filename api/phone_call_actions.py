"""Actions on a PhoneCall, decided: what a body asks for and which legs it is asked of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from api.errors import (
    MISSING,
    UapiError,
    access_denied,
    invalid,
    not_implemented,
    pbx_unavailable,
)
from daemon.calls.model import PhoneCall, PhoneCallView, ViewStatus
from daemon.holds.hold import Failed, HoldOutcome, NotHoldable
from daemon.holds.laws import holder_of

ACTIONS_TO_COME = (
    "StartRecording",
    "StopRecording",
    "PickUp",
    "BargeIn",
    "Monitor",
    "Whisper",
    "Park",
    "UnPark",
    "Transfer",
    "TransferToVoicemail",
)


class Action(StrEnum):
    ON_HOLD = "OnHold"
    OFF_HOLD = "OffHold"


@dataclass(frozen=True, slots=True)
class PhoneCallAction:
    """``view_id`` is what came as phoneCallViewId, of whatever type, or MISSING."""

    action: Action
    view_id: object


def parse_action(body: Mapping[str, object]) -> PhoneCallAction:
    """Raises UapiError: request_not_implemented, or pc_action_invalid for no action at all."""
    came = body.get("action", MISSING)
    if came in ACTIONS_TO_COME:
        raise not_implemented(f"The action {came}")
    if not isinstance(came, str) or came not in list(Action):
        raise invalid("pc_action_invalid", "action", came, f"one of {', '.join(Action)}")
    return PhoneCallAction(Action(came), body.get("phoneCallViewId", MISSING))


def holder_for(
    call: PhoneCall, extensions: frozenset[str], view_id: object, *, named_extension: bool
) -> PhoneCallView:
    """The leg that holds when the user of these extensions names this view of the call.

    ``named_extension`` tells one extension of the URI from ``@self``. Raises UapiError:
    pc_phonecallview_invalid, or access_denied if with ``@self`` no leg is the user's.
    """
    view_ids = [view.id for view in call.views]
    if not isinstance(view_id, str) or view_id not in view_ids:
        allowed = f"the id of a view of this call, as a string: {', '.join(view_ids)}"
        raise _view_invalid(view_id, allowed)
    holder = holder_of(call, extensions, view_id)
    if holder is not None:
        return holder
    if not named_extension:
        raise access_denied(
            f"The view {view_id} and the one it talks to are of no extension of the token's user."
        )
    allowed = f"a view of {', '.join(extensions)}, or the view that it talks to"
    raise _view_invalid(view_id, allowed)


def failure(view_id: str, outcome: HoldOutcome | None) -> UapiError | None:
    """The error that this outcome for a view is; None for success, and while it is at work."""
    match outcome:
        case NotHoldable():
            message = f"The view {view_id} cannot be held. {outcome.reason}"
            return UapiError(400, "pc_phonecallview_invalid", message)
        case Failed(unavailable=True):
            return pbx_unavailable(outcome.reason)
        case Failed():
            return UapiError(500, "internal_server_error", outcome.reason)
    return None


def all_failed(errors: Sequence[UapiError]) -> UapiError:
    """One error for several: the gravest, with what all of them say."""
    gravest = max(errors, key=lambda error: error.status)
    message = " ".join(dict.fromkeys(error.message for error in errors))
    return UapiError(gravest.status, gravest.code, message, gravest.headers)


def legs_in_conversation(
    call: PhoneCall, extensions: frozenset[str], action: Action
) -> list[PhoneCallView]:
    """The legs that an action on all of a call is about.

    Where both ends of a conversation are of these extensions, one of them holds and not both: the
    one that does so already, else the first.
    """
    legs = [
        view
        for view in call.views
        if view.extension in extensions and view.status is ViewStatus.ON_CALL and view.bridge
    ]
    if action is Action.OFF_HOLD:
        return legs
    holders: dict[str, PhoneCallView] = {}
    for view in sorted(legs, key=lambda view: view.on_hold is None):
        if (view.peer or "") not in holders:
            holders[view.channel] = view
    return list(holders.values())


def _view_invalid(came: object, allowed: str) -> UapiError:
    return invalid("pc_phonecallview_invalid", "phoneCallViewId", came, allowed)
