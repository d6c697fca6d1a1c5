"""A receiver of webhooks that fails at random, in each way a receiver can."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from tests.delivery.stream_server import Request, StreamServer, answer, read_request


class Mood(StrEnum):
    TAKES = "takes it"
    TAKES_LATE = "takes it after a pause"
    ERROR = "answers 500"
    BUSY = "answers 503 with Retry-After"
    CLOSES_UNREAD = "closes the connection unread"
    CLOSES = "closes the connection without an answer"
    SILENT = "never answers"


LONGEST_PAUSE = 0.15


@dataclass(frozen=True)
class Arrival:
    """A webhook that was read, and what became of it."""

    at: float
    request: Request
    mood: Mood

    @property
    def webhook_id(self) -> str:
        return self.request.headers["webhook-id"]

    @property
    def accepted(self) -> bool:
        return self.mood in (Mood.TAKES, Mood.TAKES_LATE)


class MoodyReceiver(StreamServer):
    """``moods`` are how often it has which, as weights. ``on_arrival`` is called with each webhook
    that was read, before it is answered. ``failures`` counts the attempts that it let fail."""

    def __init__(
        self,
        host: str,
        random: Random,
        moods: Mapping[Mood, int],
        on_arrival: Callable[[Arrival], None],
    ) -> None:
        super().__init__(self._converse, host)
        self.failures = 0
        self._random = random
        self._moods = list(moods)
        self._weights = list(moods.values())
        self._on_arrival = on_arrival

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            (mood,) = self._random.choices(self._moods, self._weights)
            if mood is Mood.CLOSES_UNREAD:
                self.failures += 1
                return
            request = await read_request(reader)
            arrival = Arrival(time.monotonic(), request, mood)
            self._on_arrival(arrival)
            self.failures += not arrival.accepted
            match mood:
                case Mood.TAKES:
                    writer.write(answer("200 OK"))
                case Mood.TAKES_LATE:
                    await asyncio.sleep(self._random.uniform(0, LONGEST_PAUSE))
                    writer.write(answer("204 No Content"))
                case Mood.ERROR:
                    writer.write(answer("500 Internal Server Error", body=b"out of order"))
                case Mood.BUSY:
                    writer.write(answer("503 Service Unavailable", "Retry-After: 1"))
                case Mood.CLOSES:
                    return
                case Mood.SILENT:
                    await reader.read()
                    return
