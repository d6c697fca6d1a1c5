"""An HTTP connection that does not wait for its client for ever, nor take in what is too large."""

import fcntl
import sys
import termios
from typing import Any

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.server import ServerState

from api.crowd import Crowd, Phase
from api.errors import UapiError, error_body, printable
from api.json_answer import JsonAnswer

_RETRY_SECONDS = 1
# Bytes of an answer that a client takes in each [http] timeout at least, if it takes it at all.
_SLOWEST = 16 * 1024
_HEADER_TOO_LARGE = 431
_REASON_LETTERS = 200


class LimitedConnection(H11Protocol):
    """uvicorn's, with the limits of ``[http]``; its errors have the shape of the UAPI's."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], crowd: Crowd
    ) -> None:
        super().__init__(config, server_state, app_state)
        self.conn = _Reader(crowd.limits().header_size)
        self._crowd = crowd
        self._phase: Phase | None = None
        self._answered = False
        self._untaken = 0

    # --- what happens on the wire ---

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # Over TLS asyncio would keep eight times as much.
        transport.set_write_buffer_limits(high=64 * 1024)
        if self._crowd.join(self):
            self._look()
        else:
            self._refuse(
                UapiError(
                    503,
                    "too_many_connections",
                    "There are as many connections at work as [http] connections allows.",
                    {"Retry-After": str(_RETRY_SECONDS)},
                )
            )

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.leave(self)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        self._look()

    def on_response_complete(self) -> None:
        self._answered = True
        self.timeout_keep_alive = self._crowd.limits().idle_timeout  # type: ignore[assignment]
        super().on_response_complete()
        if self.transport.is_closing() or self.conn.their_state is h11.SEND_BODY:
            self._look()  # else it was done with what came next

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._look()

    def timeout_keep_alive_handler(self) -> None:
        """It is idle for too long. What its client has not taken by now holds up nobody."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """uvicorn calls this while it handles what h11 has against a request."""
        error = sys.exception()
        hint = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        if hint == _HEADER_TOO_LARGE:
            limit = self._crowd.limits().header_size
            message = f"The header is over the limit of {limit} bytes."
        else:
            message = f"The request is no valid HTTP: {printable(str(error)[:_REASON_LETTERS])}."
        self._refuse(UapiError(hint, "request_invalid", message))

    # --- what the crowd asks for ---

    def too_late(self, phase: Phase) -> bool:
        if phase is Phase.ANSWER:
            before, self._untaken = self._untaken, self._bytes_untaken()
            if self._untaken <= before - _SLOWEST:
                return True
            self.transport.abort()
        elif phase is Phase.BODY:
            seconds = self._crowd.limits().timeout
            message = f"The body was not there within {seconds:g} s."
            self._refuse(UapiError(408, "request_invalid", message))
            if self.transport.get_write_buffer_size():
                self.transport.abort()
        else:
            self.transport.abort()
        return False

    def make_room(self) -> None:
        self.transport.abort()

    # --- ---

    def _look(self) -> None:
        """See what the client has to do next, and since when."""
        to_take = self.flow.write_paused or self.transport.is_closing()
        phase: Phase | None
        if to_take and self.transport.get_write_buffer_size():
            phase = Phase.ANSWER
        elif self.transport.is_closing():
            phase = None
        elif self.conn.their_state is h11.SEND_BODY:
            phase = Phase.BODY
        elif self.conn.their_state is h11.IDLE:
            begun = not self._answered or self.conn.trailing_data[0]
            phase = Phase.HEADER if begun else Phase.IDLE
        else:
            phase = None
        if phase is not self._phase:
            self._phase = phase
            if phase is Phase.ANSWER:
                self._untaken = self._bytes_untaken()
            self._crowd.enter(self, phase, self.loop.time())

    def _bytes_untaken(self) -> int:
        """What the client has not taken: here, and in the kernel, which asks for more late."""
        socket = self.transport.get_extra_info("socket")
        queued = fcntl.ioctl(socket.fileno(), termios.TIOCOUTQ, bytes(4))
        return self.transport.get_write_buffer_size() + int.from_bytes(queued, sys.byteorder)

    def _refuse(self, error: UapiError) -> None:
        """Answer in place of the app, if nothing of an answer is sent yet, and close."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        answer = JsonAnswer(error_body(error), error.status, error.headers)
        headers = [*self.server_state.default_headers, *answer.raw_headers]
        response = h11.Response(
            status_code=error.status,
            headers=[*headers, (b"connection", b"close")],
            reason=STATUS_PHRASES[error.status],
        )
        head = self.scope is not None and self.scope["method"] == "HEAD"
        body = h11.Data(data=b"" if head else bytes(answer.body))
        for event in (response, body, h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class _Reader(h11.Connection):
    """Refuses a header over the limit also when it comes whole, at once."""

    def __init__(self, limit: int) -> None:
        super().__init__(h11.SERVER, limit)
        self._limit = limit
        self._came = 0  # bytes since the last header

    def receive_data(self, data: bytes) -> None:
        self._came += len(data)
        super().receive_data(data)

    def next_event(self) -> Any:
        event = super().next_event()
        if type(event) is h11.Request:
            # To measure each of them would take longer than to read most.
            if self._came > self._limit < _size(event):
                hint = _HEADER_TOO_LARGE
                raise h11.RemoteProtocolError("header too long", error_status_hint=hint)
            self._came = len(self.trailing_data[0])
        return event


def _size(request: h11.Request) -> int:
    """Bytes of the request line and the header, with their separators."""
    line = len(request.method) + len(request.target) + len("  HTTP/1.1\r\n\r\n")
    return line + sum(len(name) + len(value) + 4 for name, value in request.headers)
