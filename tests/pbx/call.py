"""One call as a robot phone sees it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from tests.pbx.rtp import Address
from tests.pbx.sip_message import header_of, tag_of
from tests.pbx.sipp import Sipp


class State(StrEnum):
    """What a phone does: an incoming call is RINGING here, an outgoing one at the far end."""

    IDLE = "idle"
    CALLING = "calling"
    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


class Reaction(NamedTuple):
    """What a phone does when it is called: an order for SIPp, and the status of a refusal."""

    order: str = "ring"
    detail: str = ""
    status: int | None = None
    answer_after: float | None = None


class Manners(NamedTuple):
    """What a phone makes of a NOTIFY that asks it to hold or to talk again.

    `declares` is the Allow-Events of its calls, "" for none; `answer` is 200 or 489.
    """

    declares: str = ""
    answer: int = 200
    obeys: bool = False


@dataclass
class Call:
    """One call of a phone.

    `invite` is the INVITE of an incoming call, "" for an outgoing one. When it has ENDED, `status`
    is the SIP status that ended it before the answer (None after an answer) and `ended_here`
    tells whether this phone ended it. `media` is where the other side wants RTP to be sent, and
    `answers` has the SIP status by which the PBX answered each request within the call, by CSeq.
    """

    id: str
    sipp: Sipp
    invite: str = ""
    state: State = State.CALLING
    status: int | None = None
    ended_here: bool = False
    cseq: int = 1
    media: Address | None = None
    answers: dict[int, int] = field(default_factory=dict)
    _local_tag: str = ""
    _remote_tag: str = ""
    _been: set[State] = field(default_factory=set)

    def enter(self, state: State, status: int | None = None) -> None:
        """Goes on to the next state."""
        self.state, self.status = state, status
        self._been.add(state)

    def has_reached(self, state: State) -> bool:
        """Whether it is in that state or, as a call that still goes on, has been."""
        return state is self.state or (state in self._been and self.state is not State.ENDED)

    def header(self, name: str) -> str:
        """A header of the INVITE that came; KeyError when there is none."""
        return header_of(self.invite, name)

    def tell(self, order: str, detail: str = "") -> None:
        """Gives SIPp an order; each has a CSeq of its own for the request it may need."""
        self.cseq += 1
        self.sipp.tell(self.id, self.cseq, order, detail)

    def react(self, reaction: Reaction) -> None:
        """Does that with the call that has just come in."""
        self.status, self.ended_here = reaction.status, reaction.status is not None
        self.tell(reaction.order, reaction.detail)

    def note_dialog(self, message: str) -> None:
        """Takes the tags of both sides from a SIP message of the answered call."""
        tags = [tag_of(header_of(message, name)) for name in ("From", "To")]
        # What came last is the ACK of the PBX to a called phone, and its answer to a caller.
        self._local_tag, self._remote_tag = reversed(tags) if self.invite else tags

    def answered_with(self, since: int) -> int | None:
        """The status of the answer to the request of that CSeq or a later one, if it has come."""
        return next((status for cseq, status in self.answers.items() if cseq >= since), None)

    @property
    def replaces(self) -> str:
        """The value of a Replaces header that takes the place of this phone in the call."""
        return f"{self.id};to-tag={self._remote_tag};from-tag={self._local_tag}"
