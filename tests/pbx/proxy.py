"""A bad network between the daemon and the PBX."""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Self

from tests.pbx.addresses import address
from tests.pbx.asterisk import AMI_PORT, HOST
from tests.pbx.uapid import SETTINGS

ARI_PORT = 8088
ADDRESS = address(4)
END_OF_MESSAGE = b"\r\n\r\n"  # of AMI, and of an HTTP request without a body


class Trap:
    """Springs when what a pattern matches has come for the n-th time."""

    def __init__(self, pattern: bytes, times: int) -> None:
        self._pattern = pattern
        self._times = times
        self.sprung = asyncio.Event()

    def end_in(self, data: bytes) -> int | None:
        """Where the message ends that springs it, None if it is not in the data."""
        for found in re.finditer(self._pattern, data):
            self._times -= 1
            if self._times == 0:
                end = data.find(END_OF_MESSAGE, found.end())
                return len(data) if end < 0 else end + len(END_OF_MESSAGE)
        return None


class Link:
    """Passes a TCP port on: `async with Link(port):` listens at ADDRESS and leads to the PBX.

    ``delay`` is how many seconds late each read is passed on, ``piece`` how many bytes at a time.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.delay = 0.0
        self.piece = 1 << 16
        self._whole = asyncio.Event()
        self._whole.set()
        self._trap: Trap | None = None
        self._passing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    def cut(self) -> None:
        """From now on nothing goes through, in either direction; connections stay open."""
        self._whole.clear()

    def cut_after(self, pattern: bytes, times: int = 1) -> asyncio.Event:
        """Cuts once the daemon has sent what this matches so many times: that message still goes
        through, the next one does not. The event tells that it has happened."""
        self._trap = Trap(pattern, times)
        return self._trap.sprung

    async def heal(self) -> None:
        """Ends ``cut``, what was held up arrives as TCP would bring it, or ends ``refuse``."""
        if not self._server.is_serving():
            await self._listen()
        self._whole.set()

    async def refuse(self) -> None:
        """Ends every connection, and refuses new ones."""
        self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, ADDRESS, self.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        try:
            await self._whole.wait()
            with suppress(OSError):
                there_reader, there_writer = await asyncio.open_connection(HOST, self.port)
                try:
                    async with asyncio.TaskGroup() as both:
                        both.create_task(self._pass_on(reader, there_writer, self._until_trapped))
                        both.create_task(self._pass_on(there_reader, writer))
                finally:
                    there_writer.transport.abort()
        except asyncio.CancelledError:
            pass  # of refuse(); the server's own callback would take it for a failure
        finally:
            writer.transport.abort()
            self._passing.discard(task)

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        parts_of: Callable[[bytes], Iterable[bytes]] = lambda data: (data,),
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                if self.delay:
                    await asyncio.sleep(self.delay)
                for part in parts_of(data):
                    await self._whole.wait()
                    for start in range(0, len(part), self.piece):
                        writer.write(part[start : start + self.piece])
                        await writer.drain()
                        if self.piece < len(part):
                            await asyncio.sleep(0)  # so that each piece is a segment of its own
        writer.transport.abort()

    def _until_trapped(self, data: bytes) -> Iterator[bytes]:
        """What the daemon sent, in two parts if the link is to be cut between them."""
        if self._trap and (end := self._trap.end_in(data)):
            yield data[:end]
            self.cut()
            self._trap.sprung.set()
            self._trap = None
            data = data[end:]
        yield data


class Network:
    """Both links to the PBX."""

    def __init__(self) -> None:
        self.ami = Link(AMI_PORT)
        self.ari = Link(ARI_PORT)
        self.links = (self.ami, self.ari)

    async def __aenter__(self) -> Self:
        for link in self.links:
            await link.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    def cut(self) -> None:
        for link in self.links:
            link.cut()

    async def refuse(self) -> None:
        for link in self.links:
            await link.refuse()

    async def heal(self) -> None:
        for link in self.links:
            await link.heal()


# The daemon's settings with the network in between.
THROUGH_THE_NETWORK = SETTINGS.replace(f'host = "{HOST}"', f'host = "{ADDRESS}"').replace(
    f"http://{HOST}:{ARI_PORT}", f"http://{ADDRESS}:{ARI_PORT}"
)
