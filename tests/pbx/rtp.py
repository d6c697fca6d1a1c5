"""The media side of a robot phone: sends its tone as RTP and remembers what it receives."""

import asyncio
import struct
from typing import NamedTuple, Self

from tests.pbx.codecs import PCMU, Codec
from tests.pbx.tones import HALF_SECOND, SAMPLES_PER_PACKET, packet_of, symbols

Address = tuple[str, int]

PACKET_TIME = 0.02
HEADER = struct.Struct("!BBHII")
VERSION_2 = 0x80
# A loop that was busy for longer than this skips packets instead of sending them in a burst.
PATIENCE = 0.2


class Packet(NamedTuple):
    """An RTP packet that was received: arrival in seconds of the loop's clock, its sound in u-law,
    sender."""

    arrival: float
    payload: bytes
    source: Address


class RtpPeer(asyncio.DatagramProtocol):
    """An RTP socket that plays one tone to `remote` and listens.

    `remote` is None until the other side is known; nothing is sent before. `sending` is the
    switch of the tone. `sent` and `received` count packets; what is in another codec is not heard.
    """

    def __init__(self, letter: str, codec: Codec = PCMU) -> None:
        self.remote: Address | None = None
        self.sending = True
        self.sent = 0
        self.packets: list[Packet] = []
        self._codec = codec
        self._payload = codec.pack(packet_of(letter))
        self._ssrc = ord(letter)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None
        self._next = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = asyncio.Event()

    @classmethod
    async def open(cls, letter: str, address: Address, codec: Codec = PCMU) -> Self:
        """Binds the socket; OSError if the address is taken."""
        loop = asyncio.get_running_loop()
        _, peer = await loop.create_datagram_endpoint(
            lambda: cls(letter, codec), local_addr=address
        )
        return peer

    async def close(self) -> None:
        """Stops sending and frees the socket."""
        assert self._timer and self._transport
        self._timer.cancel()
        self._transport.close()
        await self._closed.wait()

    @property
    def received(self) -> int:
        return len(self.packets)

    @property
    def source(self) -> Address | None:
        """Who sent the last packet that was received."""
        return self.packets[-1].source if self.packets else None

    def hears(self, start: float, end: float) -> list[str]:
        """What was heard between two times of the loop's clock: a symbol per half second."""
        return symbols(((packet.arrival, packet.payload) for packet in self.packets), start, end)

    async def listen(self, seconds: float) -> list[str]:
        """Listens from now on, for whole half seconds: a symbol for each."""
        start = self._loop.time()
        end = start + round(seconds / HALF_SECOND) * HALF_SECOND
        await asyncio.sleep(end - start)
        return self.hears(start, end)

    def connection_made(  # type: ignore[override]
        self, transport: asyncio.DatagramTransport
    ) -> None:
        self._transport = transport
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if len(data) > HEADER.size and data[1] & 0x7F == self._codec.payload_type:
            sound = self._codec.unpack(data[HEADER.size :])
            self.packets.append(Packet(self._loop.time(), sound, addr))

    def _send(self) -> None:
        assert self._transport
        if self.remote and self.sending:
            header = HEADER.pack(
                VERSION_2,
                self._codec.payload_type,
                self.sent & 0xFFFF,
                self.sent * SAMPLES_PER_PACKET & 0xFFFFFFFF,
                self._ssrc,
            )
            self._transport.sendto(header + self._payload, self.remote)
            self.sent += 1
        # The times are those of a plan, not of the last packet, so that they do not drift.
        self._next += PACKET_TIME
        if self._loop.time() - self._next > PATIENCE:
            self._next = self._loop.time()
        self._timer = self._loop.call_at(self._next, self._send)
