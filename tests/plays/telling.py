"""What an app sees of a play, as text that people can read and compare.

At each step there are the live calls, a line for each view; at the end, for each extension, what
its PhoneCallEvents were told. Calls are called A, B, … in the order in which they show up, and
legs #1, #2, … in the order in which their channels were made:

    talking
      A of 0003*210
        01 0003*210: on call, 0003*210 > 0003*211, local

    0003*211 was told
      #2 of A: DialIn CALLING in, 0003*210 "Ana" <0003*210> > 0003*211, dialled 0003*211
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.calls.ami_fields import age_order

STATUS = {"0": "unknown", "1": "off hook", "2": "trying", "3": "ringing", "4": "other side rings"}
STATUS["5"] = "on call"
FLOW = {"2": "local", "4": "outgoing", "8": "incoming"}
TYPES = ("DialIn", "DialOut", "Hangup", "Answer of incoming", "Answer of outgoing")


@dataclass(frozen=True)
class Told:
    """One webhook: ``type`` of the PhoneCallEvent of this ``extension``, and its parameters."""

    extension: str
    type: int
    parameters: dict[str, str]


class Telling:
    """The text of one play, which grows with each step and is whole with ``text``."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._calls: list[str] = []

    def with_step(self, name: str, calls: Sequence[dict[str, Any]]) -> "Telling":
        """This telling and one more step.

        ``calls`` are PhoneCalls as the API answers them, oldest first.
        """
        longer = Telling()
        longer._lines, longer._calls = [*self._lines, name], [*self._calls]
        for call in calls:
            extension = call.get("extension", "nobody")
            longer._lines.append(f"  {longer._call(call['id'])} of {extension}")
            longer._lines += [f"    {_view(view)}" for view in call["phoneCallView"]]
        return longer

    def steps(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)

    def text(self, told: Iterable[Told]) -> str:
        """``told`` is every webhook, in the order in which the daemon recorded them."""
        # What two legs are told at the same moment may come in any order.
        webhooks = sorted(told, key=lambda webhook: age_order(webhook.parameters["CallID"]))
        ids = list(dict.fromkeys(webhook.parameters["CallID"] for webhook in webhooks))
        legs = {uniqueid: f"#{number}" for number, uniqueid in enumerate(ids, 1)}
        lines = [*self._lines]
        for extension in sorted({webhook.extension for webhook in webhooks}):
            lines += ["", f"{extension} was told"]
            for webhook in webhooks:
                if webhook.extension == extension:
                    call = self._call(webhook.parameters["CallAPIID"])
                    leg = legs[webhook.parameters["CallID"]]
                    lines.append(f"  {leg} of {call}: {_webhook(webhook)}")
        return "\n".join(lines) + "\n"

    def _call(self, call_id: str) -> str:
        if call_id not in self._calls:
            self._calls.append(call_id)
        return chr(ord("A") + self._calls.index(call_id))


def _view(view: dict[str, Any]) -> str:
    source, destination = ("+".join(view.get(end, ["-"])) for end in ("source", "destination"))
    parts = [
        STATUS[view["status"]],
        f"{source} > {destination}",
        FLOW.get(view.get("flow", ""), "no flow yet"),
    ]
    if "holder" in view:
        parts.append("holds")
    if "parked" in view:
        parts.append(f"parked at {view['parkedPos']} by {view.get('parkedBy', '-')}")
    return f"{view['id']} {view.get('extension', 'outside')}: {', '.join(parts)}"


def _webhook(webhook: Told) -> str:
    told = webhook.parameters
    caller = f'"{told["CallerIDName"]}" <{told["CallerIDNum"]}>'
    parts = [
        f"{TYPES[webhook.type]} {told['CallStatus']} {told['CallFlow']}",
        f"{told['CallerExtension'] or 'outside'} {caller} > {told['CalledExtension'] or '-'}",
        f"dialled {told['CalledNumber'] or '-'}",
    ]
    if told["CalledDID"]:
        parts.append(f"DID {told['CalledDID']}")
    return ", ".join(parts)
