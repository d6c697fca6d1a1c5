"""Robot phones: signalling by SIPp, media by an RtpPeer, told what to do by a test."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Self

from tests.pbx.call import Call, State, media_address, status_of
from tests.pbx.rtp import RtpPeer
from tests.pbx.sipp import Event, Sipp

SIP_PORT = 5060
RTP_PORT = 4000
PATIENCE = 5.0

REFUSALS = {480, 486, 603}
REQUEST_TERMINATED = 487

# The phones that the PBX knows: extension, address, letter of the tone.
PHONES = {
    "0003*210": ("127.0.77.210", "A"),
    "0003*211": ("127.0.77.211", "B"),
    "0003*024": ("127.0.77.24", "C"),
    "0003*025": ("127.0.77.25", "D"),
    "0004*300": ("127.0.77.30", "E"),
    # These two send their media to each other.
    "0003*220": ("127.0.77.220", "F"),
    "0003*221": ("127.0.77.221", "G"),
    # The provider: it calls with the numbers of the public, and takes all that are called.
    "trunk": ("127.0.77.100", "T"),
}


class Phone:
    """A phone with one line: `async with Phone(extension, address, letter) as phone:`.

    Methods that wait raise TimeoutError, which tells the state, after `within` seconds. An
    incoming call rings until told otherwise by one of the will_ methods.
    """

    def __init__(self, extension: str, address: str, tone_letter: str) -> None:
        self.extension = extension
        self.address = address
        self.tone_letter = tone_letter
        self.current: Call | None = None
        self.rtp: RtpPeer
        self._calls: dict[str, Call] = {}
        self._sipps: list[Sipp] = []
        self._refuse_with: int | None = None
        self._answer_after: float | None = None
        self._changed = asyncio.Event()
        self._accepted = False
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def known(cls, extension: str) -> Self:
        """The phone of one of the extensions that the PBX has; KeyError for others."""
        return cls(extension, *PHONES[extension])

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Plugs the phone in: it can be called when this returns."""
        self.rtp = await RtpPeer.open(self.tone_letter, (self.address, RTP_PORT))
        await self._run("called", {"extension": self.extension})

    async def close(self) -> None:
        """Pulls the plug, without a word to the other side of a call."""
        if self._timer:
            self._timer.cancel()
        await asyncio.gather(*(sipp.close() for sipp in self._sipps))
        await self.rtp.close()

    @property
    def state(self) -> State:
        """The state of the current call, which is the last one that began."""
        return self.current.state if self.current else State.IDLE

    @property
    def status(self) -> int | None:
        """The SIP status that ended the current call before it was answered."""
        return self.current.status if self.current else None

    # What it does when it is called

    def will_ring(self) -> None:
        """From now on an incoming call rings, until it is cancelled or `answer` is called."""
        self._refuse_with = self._answer_after = None

    def will_answer(self, after: float = 0.2) -> None:
        """From now on an incoming call is answered after so many seconds of ringing."""
        self._refuse_with, self._answer_after = None, after

    def will_reject(self, status: int = 486) -> None:
        """From now on an incoming call is refused with 480, 486 or 603; ValueError for others."""
        if status not in REFUSALS:
            raise ValueError(f"a phone refuses with one of {sorted(REFUSALS)}, not {status}")
        self._refuse_with = status

    # What it does on command

    async def call(
        self, number: str, caller_name: str | None = None, caller_number: str | None = None
    ) -> None:
        """Calls a number; returns when the INVITE is sent. The trunk gives a caller_number."""
        call_id = uuid.uuid4().hex
        keywords = {
            "extension": caller_number or self.extension,
            "caller_name": caller_name or self.extension,
            "number": number,
        }
        self._begin(Call(call_id, await self._run("caller", keywords, call_id)))

    async def answer(self) -> None:
        """Answers the call that rings here, and returns when the other side knows."""
        call = await self.ringing()
        await self._insist(partial(call.tell, "answer"), lambda: call.state is State.TALKING)

    async def hang_up(self) -> None:
        """Ends the call: BYE, CANCEL or a refusal with 603, and returns when it is done."""
        call = self._ongoing()
        if call.invite and call.state is State.CALLING:
            await self.ringing()
        call.ended_here = True
        if call.invite and call.state is State.RINGING:
            order = partial(self._refuse, call, 603)
        else:
            order = partial(call.tell, "hang up")
        await self._insist(order, lambda: call.state is State.ENDED)

    async def hold(self) -> None:
        """Puts the other side on hold by a re-INVITE of this phone (sendonly)."""
        await self._offer("sendonly")

    async def unhold(self) -> None:
        """Ends the phone's own hold by a re-INVITE (sendrecv)."""
        await self._offer("sendrecv")

    # What it waits for

    async def ringing(self, within: float = PATIENCE) -> Call:
        """Waits until it rings: here for an incoming call, at the far end for an outgoing one."""
        return await self._until(State.RINGING, within)

    async def answered(self, within: float = PATIENCE) -> Call:
        """Waits until the call is answered."""
        return await self._until(State.TALKING, within)

    async def ended(self, within: float = PATIENCE) -> Call:
        """Waits until the call is over."""
        return await self._until(State.ENDED, within)

    async def listen(self, seconds: float) -> list[str]:
        """Listens from now on: a symbol for each half second, see tests.pbx.tones.symbol."""
        return await self.rtp.listen(seconds)

    async def hears(self, sound: str, within: float = PATIENCE) -> None:
        """Waits until a whole half second sounds like this symbol."""
        heard: list[str] = []
        async with self._deadline(within, lambda: f"hears {heard}, not {sound!r}"):
            while heard[-1:] != [sound]:
                heard += await self.listen(0.5)

    async def _until(self, state: State, within: float) -> Call:
        async with self._deadline(within, lambda: f"is {self.state} ({self.status}), not {state}"):
            await self._wait_for(lambda: bool(self.current and self.current.has_reached(state)))
        assert self.current
        return self.current

    @asynccontextmanager
    async def _deadline(self, within: float, story: Callable[[], str]) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(within):
                yield
        except TimeoutError:
            raise TimeoutError(f"{self.extension} {story()}, after {within} s") from None

    def _ongoing(self) -> Call:
        if not self.current or self.current.state is State.ENDED:
            raise RuntimeError(f"{self.extension} has no call")
        return self.current

    async def _run(self, scenario: str, keywords: dict[str, str], call_id: str = "") -> Sipp:
        sipp = Sipp(scenario, (self.address, SIP_PORT + len(self._sipps)), self._heard)
        await sipp.start(keywords | {"rtp_port": str(RTP_PORT)}, call_id)
        self._sipps.append(sipp)
        return sipp

    async def _offer(self, direction: str) -> None:
        call = self._ongoing()
        self._accepted = False
        await self._insist(partial(call.tell, "offer", direction), lambda: self._accepted)

    async def _insist(self, order: Callable[[], None], done: Callable[[], bool]) -> None:
        # An order that comes in the middle of an exchange with the PBX gets lost, a re-INVITE is
        # refused if the PBX sends one at the same time, and a CANCEL may come after the answer.
        async with self._deadline(PATIENCE, lambda: f"is {self.state} and does not do as told"):
            while not done():
                order()
                with suppress(TimeoutError):
                    async with asyncio.timeout(random.uniform(0.1, 0.3)):
                        await self._wait_for(done)

    async def _wait_for(self, done: Callable[[], bool]) -> None:
        while not done():
            self._changed.clear()
            await self._changed.wait()

    # What SIPp tells

    def _heard(self, event: Event) -> None:
        if event.name == "invited":
            call = Call(event.call_id, self._sipps[0], invite=event.message)
            self._begin(call)
            if self._refuse_with:
                self._refuse(call, self._refuse_with)
            else:
                call.tell("ring")
            return
        call = self._calls[event.call_id]
        if remote := media_address(event.message):
            self.rtp.remote = remote
        match event.name:
            case "ringing":
                self._enter(call, State.RINGING)
                if call.invite and self._answer_after is not None:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(self._answer_after, call.tell, "answer")
            case "answered":
                if call.invite:
                    self.rtp.remote = media_address(call.invite)
                self._enter(call, State.TALKING)
            case "accepted":
                self._accepted = True
                self._changed.set()
            case "refused":
                self._end(call, status_of(event.message))
            case "cancelled":
                self._end(call, REQUEST_TERMINATED)
            case "left" | "hung up" | "declined":
                self._end(call, call.status)

    def _begin(self, call: Call) -> None:
        self._calls[call.id] = call
        self.current = call

    def _enter(self, call: Call, state: State) -> None:
        call.enter(state)
        self._changed.set()

    def _end(self, call: Call, status: int | None) -> None:
        if self._timer:
            self._timer.cancel()
        if call is self.current:
            self.rtp.remote = None
        call.enter(State.ENDED, status)
        self._changed.set()

    def _refuse(self, call: Call, status: int) -> None:
        call.tell(f"refuse {status}")
        call.ended_here = True
        call.status = status
