"""The signalling of a robot phone: what SIPp tells of its calls, and the orders it is given."""

import asyncio
from functools import partial

from tests.pbx.addresses import SIP_PORT
from tests.pbx.call import Call, Manners, Reaction, State
from tests.pbx.codecs import PCMU, Codec
from tests.pbx.patience import PATIENCE, SOON, Changes, deadline
from tests.pbx.rtp import Address, RtpPeer
from tests.pbx.sip_message import header_of, media_address, status_of
from tests.pbx.sipp import Event, PhoneRoom, Sipp

RTP_PORT = 4000

REQUEST_TERMINATED = 487


class Signalling:
    """The calls of a phone. The tone goes to the current one only, which is the last that began.

    What the PBX began to send while it was plugged out is no call of its own: it neither rings nor
    answers, so that the PBX takes it back sooner or later.
    """

    def __init__(
        self,
        extension: str,
        address: str,
        tone_letter: str,
        codec: Codec = PCMU,
        manners: Manners | None = None,
    ) -> None:
        self.extension = extension
        self.address = address
        self.tone_letter = tone_letter
        self.codec = codec
        self.manners = manners or Manners()
        self.notified: list[str] = []  # what it was asked to do by NOTIFY: "hold", "talk"
        self.missed: list[Call] = []  # while it was plugged out, and came again
        self.current: Call | None = None
        self.rtp: RtpPeer
        self._calls: dict[str, Call] = {}
        self._while_out: frozenset[str] = frozenset()
        self._sipps: list[Sipp] = []
        self._reaction = Reaction()
        self._changes = Changes()
        self._timer: asyncio.TimerHandle | None = None
        self._obeying: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Plugs the phone in: it can be called when this returns."""
        self.rtp = await RtpPeer.open(self.tone_letter, (self.address, RTP_PORT), self.codec)
        self._while_out = PhoneRoom.letterboxes.take_down(self.address)
        await self._run("called", {"extension": self.extension})

    async def close(self) -> None:
        """Pulls the plug, without a word to the other side of a call."""
        if self._timer:
            self._timer.cancel()
        if self._obeying:
            await self._obeying
        await asyncio.gather(*(sipp.close() for sipp in self._sipps))
        PhoneRoom.letterboxes.put_up(self.address)
        await self.rtp.close()

    @property
    def state(self) -> State:
        """The state of the current call."""
        return self.current.state if self.current else State.IDLE

    @property
    def status(self) -> int | None:
        """The SIP status that ended the current call before it was answered."""
        return self.current.status if self.current else None

    # Orders, which are repeated until they have been followed

    async def _insist(self, call: Call, order: str, state: State) -> None:
        async with deadline(PATIENCE, lambda: f"{self._story(call)} and does not {order}"):
            await self._changes.insist(partial(call.tell, order), lambda: call.state is state)

    async def _request(
        self, call: Call, order: str, detail: str, again: tuple[float, float] = SOON
    ) -> int:
        first = call.cseq + 1
        async with deadline(PATIENCE, lambda: f"{self._story(call)} and does not {order}"):
            await self._changes.insist(
                partial(call.tell, order, detail),
                lambda: call.answered_with(first) is not None,
                again,
            )
        return call.answered_with(first) or 0

    def _story(self, call: Call | None) -> str:
        return f"{self.extension} is " + (f"{call.state} ({call.status})" if call else State.IDLE)

    # What SIPp tells

    async def _run(self, scenario: str, keywords: dict[str, str], call_id: str = "") -> Sipp:
        sipp = Sipp(scenario, (self.address, SIP_PORT + len(self._sipps)), self._heard)
        declares = self.manners.declares
        own = {
            "rtp_port": str(RTP_PORT),
            "payload": str(self.codec.payload_type),
            "codec": self.codec.name,
            "allow_events": f"\r\nAllow-Events: {declares}" if declares else "",
            "notify_answer": str(self.manners.answer),
        }
        await sipp.start(keywords | own, call_id)
        self._sipps.append(sipp)
        return sipp

    def _heard(self, event: Event) -> None:
        if event.name == "invited":
            call = Call(event.call_id, self._sipps[0], invite=event.message)
            if call.id in self._while_out:
                self._calls[call.id] = call
                self.missed.append(call)
            else:
                self._begin(call)
                call.react(self._reaction)
            return
        call = self._calls[event.call_id]
        if media := media_address(event.message):
            self._send_to(call, media)
        match event.name:
            case "ringing":
                self._enter(call, State.RINGING)
                if call.invite and (seconds := self._reaction.answer_after) is not None:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(seconds, call.tell, "answer")
            case "answered":
                if call.invite:
                    self._send_to(call, media_address(call.invite))
                call.note_dialog(event.message)
                self._enter(call, State.TALKING)
            case "replied":
                cseq, _, _ = header_of(event.message, "CSeq").partition(" ")
                call.answers[int(cseq)] = status_of(event.message)
                self._changes.tell()
            case "notified":
                self._obey(call, header_of(event.message, "Event"))
            case "refused":
                self._end(call, status_of(event.message))
            case "cancelled":
                self._end(call, REQUEST_TERMINATED)
            case "left" | "hung up" | "declined":
                self._end(call, call.status)

    def _obey(self, call: Call, request: str) -> None:
        if request not in ("hold", "talk"):
            return
        self.notified.append(request)
        if self.manners.obeys:
            self._obeying = asyncio.create_task(self._change_hold(call, held=request == "hold"))

    async def _change_hold(self, call: Call, *, held: bool) -> None:
        """As phones do it: nothing is sent meanwhile."""
        self.rtp.sending = not held
        await self._request(call, "offer", "sendonly" if held else "sendrecv")

    def _send_to(self, call: Call, media: Address | None) -> None:
        call.media = media
        if call is self.current:
            self.rtp.remote = media

    def _begin(self, call: Call) -> None:
        self._calls[call.id] = call
        self.current = call

    def _enter(self, call: Call, state: State) -> None:
        call.enter(state)
        self._changes.tell()

    def _end(self, call: Call, status: int | None) -> None:
        if self._timer and call is self.current:
            self._timer.cancel()
        self._send_to(call, None)
        call.enter(State.ENDED, status)
        self._changes.tell()
