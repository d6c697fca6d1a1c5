"""Robot phones: signalling by SIPp, media by an RtpPeer, told what to do by a test."""

import uuid
from typing import Self
from urllib.parse import quote

from tests.pbx.asterisk import HOST
from tests.pbx.call import Call, Manners, Reaction, State
from tests.pbx.codecs import PCMU
from tests.pbx.patience import LATER, PATIENCE, deadline
from tests.pbx.phonebook import CODECS, PHONES
from tests.pbx.signalling import Signalling

REFUSALS = {480, 486, 603}
ACCEPTED, MOVED, DECLINE = 202, 302, 603


class Phone(Signalling):
    """A phone, of several calls at once: `async with Phone(extension, address, letter) as phone:`.

    Methods are about the current call, which is the last one that began, unless they are given
    another. The tone goes to the current call only, and all are heard. Methods that wait raise
    TimeoutError, which tells the state, after `within` seconds. An incoming call rings until told
    otherwise by one of the will_ methods.
    """

    @classmethod
    def known(cls, extension: str, manners: Manners | None = None) -> Self:
        """The phone of one of the extensions that the PBX has; KeyError for others."""
        return cls(extension, *PHONES[extension], CODECS.get(extension, PCMU), manners)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # What it does when it is called

    def will_ring(self) -> None:
        """From now on an incoming call rings, until it is cancelled or `answer` is called."""
        self._reaction = Reaction()

    def will_answer(self, after: float = 0.2) -> None:
        """From now on an incoming call is answered after so many seconds of ringing."""
        self._reaction = Reaction(answer_after=after)

    def will_reject(self, status: int = 486) -> None:
        """From now on an incoming call is refused with 480, 486 or 603; ValueError for others."""
        if status not in REFUSALS:
            raise ValueError(f"a phone refuses with one of {sorted(REFUSALS)}, not {status}")
        self._reaction = Reaction(f"refuse {status}", status=status)

    def will_forward(self, number: str) -> None:
        """From now on the caller is sent on to another number of the PBX (302)."""
        self._reaction = Reaction("forward", f"<sip:{number}@{HOST}>", status=MOVED)

    # What it does on command

    async def call(
        self, number: str, caller_name: str | None = None, caller_number: str | None = None
    ) -> Call:
        """Calls a number; returns when the INVITE is sent. The trunk gives a caller_number."""
        call_id = uuid.uuid4().hex
        keywords = {
            "extension": caller_number or self.extension,
            "caller_name": caller_name or self.extension,
            "number": number,
        }
        call = Call(call_id, await self._run("caller", keywords, call_id))
        self._begin(call)
        return call

    def switch_to(self, call: Call) -> None:
        """Makes another of the phone's calls the current one."""
        self.current, self.rtp.remote = call, call.media

    async def answer(self, call: Call | None = None) -> None:
        """Answers the call that rings here, and returns when the other side knows."""

        def rings() -> Call | None:
            calls = [call] if call else reversed(self._calls.values())
            return next((c for c in calls if c.invite and c.state is State.RINGING), None)

        async with deadline(PATIENCE, lambda: f"{self._story(call or self.current)}, not called"):
            await self._changes.until(lambda: rings() is not None)
        ringing = rings()
        assert ringing
        await self._insist(ringing, "answer", State.TALKING)

    async def hang_up(self, call: Call | None = None) -> None:
        """Ends the call: BYE, CANCEL or a refusal with 603, and returns when it is done."""
        call = self._ongoing(call)
        if call.invite and call.state is State.CALLING:
            await self.ringing(call=call)
        call.ended_here, order = True, "hang up"
        if call.invite and call.state is State.RINGING:
            call.status, order = DECLINE, f"refuse {DECLINE}"
        await self._insist(call, order, State.ENDED)

    async def hold(self, call: Call | None = None, direction: str = "sendonly") -> None:
        """Puts the other side on hold by a re-INVITE of this phone (sendonly or inactive)."""
        await self._request(self._ongoing(call), "offer", direction)

    async def unhold(self, call: Call | None = None) -> None:
        """Ends the phone's own hold by a re-INVITE (sendrecv)."""
        await self._request(self._ongoing(call), "offer", "sendrecv")

    async def press(self, keys: str, call: Call | None = None) -> None:
        """Presses keys during the call: one SIP INFO each, returns when the PBX has them all."""
        for key in keys:
            await self._request(self._ongoing(call), "press", key, LATER)

    async def transfer(self, number: str, call: Call | None = None) -> None:
        """Sends the other side to a number (REFER) and ends this call once the PBX agrees.

        RuntimeError when the PBX refuses.
        """
        await self._refer(self._ongoing(call), f"<sip:{number}@{HOST}>")

    async def transfer_to(self, consultation: Call, call: Call | None = None) -> None:
        """Connects the other side with that of the consultation (REFER with Replaces), and ends
        this call once the PBX agrees; the PBX ends the consultation.

        RuntimeError when the PBX refuses.
        """
        replaces = quote(consultation.replaces, safe="")
        await self._refer(self._ongoing(call), f"<sip:transfer@{HOST}?Replaces={replaces}>")

    # What it waits for

    async def ringing(self, within: float = PATIENCE, call: Call | None = None) -> Call:
        """Waits until it rings: here for an incoming call, at the far end for an outgoing one."""
        return await self._until(State.RINGING, within, call)

    async def answered(self, within: float = PATIENCE, call: Call | None = None) -> Call:
        """Waits until the call is answered."""
        return await self._until(State.TALKING, within, call)

    async def ended(self, within: float = PATIENCE, call: Call | None = None) -> Call:
        """Waits until the call is over."""
        return await self._until(State.ENDED, within, call)

    async def listen(self, seconds: float) -> list[str]:
        """Listens from now on: a symbol for each half second, see tests.pbx.tones.symbol."""
        return await self.rtp.listen(seconds)

    async def hears(self, sound: str, within: float = PATIENCE) -> None:
        """Waits until a whole half second sounds like this symbol."""
        heard: list[str] = []
        story = f"{self.extension} does not hear {sound!r}, but"
        async with deadline(within, lambda: f"{story} {heard}"):
            while heard[-1:] != [sound]:
                heard += await self.listen(0.5)

    async def _until(self, state: State, within: float, call: Call | None) -> Call:
        reached: list[Call] = []

        def has_reached() -> bool:
            looked_at = call or self.current
            if looked_at and looked_at.has_reached(state):
                reached.append(looked_at)
            return bool(reached)

        async with deadline(within, lambda: f"{self._story(call or self.current)}, not {state}"):
            await self._changes.until(has_reached)
        return reached[0]

    def _ongoing(self, call: Call | None) -> Call:
        call = call or self.current
        if not call or call.state is State.ENDED:
            raise RuntimeError(f"{self.extension} has no call")
        return call

    async def _refer(self, call: Call, refer_to: str) -> None:
        status = await self._request(call, "refer", refer_to, LATER)
        if status != ACCEPTED:
            raise RuntimeError(f"{self.extension}: REFER to {refer_to} answered with {status}")
        call.ended_here = True
        await self._insist(call, "hang up", State.ENDED)
