"""HTTP/1.1 as uvicorn reads it, with a short way for what is posted to a service's door.

uvicorn makes an ASGI scope, a cycle and half a dozen awaits of each request: more than the door's own work (measured: 34 µs against
14). Here a POST below the door's path is collected by the same parser, handed to the door whole, and its answer written at once.
Everything else goes the usual way. Requests that are pipelined behind a posting are not answered: the connection closes after the
answer, and the sender repeats them (RFC 9112, 9.3.2).
"""

import asyncio
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from kernel.errors import DomainError
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from web.joined_writes import JoinedWrites
from web.posting import PostDoor, Posting, Reply

MOST_HEAD_BYTES = 64 * 1024
READ_WITHIN_S = 20.0
"""What a head, and what is posted, may take to arrive."""
HUNG_UP_S = 2.0
"""What somebody may take to read an answer that came before they had said everything."""
IDLE_S = 30.0
"""What a kept-alive connection is given. WAHA reuses its sockets for 4 s."""

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_CLOSE = b"connection: close\r\n"


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        door: PostDoor | None = None,
    ) -> None:
        """`door` None: everything goes to the application."""
        super().__init__(config, server_state, app_state, _loop)
        self._door = door
        self._prefix = door.prefix.encode() if door else None
        self._since = self.loop.time()
        self._in_head = False
        self._head_bytes = 0
        self._posted: list[bytes] | None = None
        self._posted_bytes = 0
        self._answering = False
        self._deaf = False
        """Whatever comes now is not read: the connection ends with the answer."""
        self._last = False
        self._peer = "unknown"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        """Begin."""
        super().connection_made(transport)
        self.transport = JoinedWrites(transport, self.loop)
        self._peer = self.client[0] if self.client else "unknown"

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self._deaf:
            return
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self._hang_up(Reply(431, b"", b""))
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin with a request."""
        self._since = self.loop.time()
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Decide which way the request goes."""
        self._in_head = False
        in_flight = self.cycle is not None and not self.cycle.response_complete
        posted = self._prefix is not None and self.url.startswith(self._prefix) and self.parser.get_method() == b"POST"
        if self._answering or (posted and in_flight):
            self._deaf = self._last = True
            if in_flight:
                self.cycle.keep_alive = False
        elif posted:
            self._posted, self._posted_bytes = [], 0
            self._last = not self.parser.should_keep_alive()
            if self.expect_100_continue:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Collect what is posted."""
        if self._deaf:
            return
        if self._posted is None:
            super().on_body(body)
            return
        assert self._door is not None
        self._posted_bytes += len(body)
        if self._posted_bytes > self._door.max_bytes:
            self._posted = None
            self._hang_up(self._door.refuse(too_large(self._door), self._path()))
        else:
            self._posted.append(body)

    def on_message_complete(self) -> None:
        """Hand what was posted to the door."""
        if self._deaf:
            return
        if self._posted is None:
            super().on_message_complete()
            return
        posting = Posting(self._path(), self.headers, b"".join(self._posted), self._peer)
        self._posted = None
        self._answering = True
        task = self.loop.create_task(self._answer(posting))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, posting: Posting) -> None:
        assert self._door is not None
        try:
            reply = await self._door.answer(posting)
        except BaseException:
            # A door answers whatever happens. Should one not, or be cancelled, its sender must not wait for ever.
            self.transport.close()
            raise
        finally:
            self._answering = False
            self._since = self.loop.time()
        if self.transport.is_closing():
            return
        self.transport.write(self._bytes_of(reply))
        if self._last:
            self.transport.close()

    def _path(self) -> str:
        path = self.url.partition(b"?")[0].decode("latin-1")
        return unquote(path) if "%" in path else path

    def _bytes_of(self, reply: Reply) -> bytes:
        lines = [_STATUS_LINES[reply.status], reply.headers]
        lines += [b"%b: %b\r\n" % header for header in self.server_state.default_headers]
        lines += [_CLOSE if self._last else b"", b"content-length: %d\r\n\r\n" % len(reply.body), reply.body]
        return b"".join(lines)

    def _hang_up(self, reply: Reply) -> None:
        """Answer what is not read to its end. The end of our side is told; whoever still writes gets to read the answer."""
        self._deaf = self._last = True
        self._since = self.loop.time()
        if not self.transport.is_closing():
            self.transport.write(self._bytes_of(reply))
            self.transport.write_eof()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._since = self.loop.time()
        super().on_response_complete()

    def shutdown(self) -> None:
        """Close after what is being answered."""
        if self._answering:
            self._last = True
        else:
            super().shutdown()

    def close_if_slow(self, now: float) -> None:
        """End what keeps us waiting: a head or a posting that does not come, a connection that nobody uses."""
        waits_s = now - self._since
        in_flight = self.cycle is not None and not self.cycle.response_complete
        if self._answering or in_flight or self.transport.is_closing():
            return
        if self._posted is not None and waits_s > READ_WITHIN_S:
            assert self._door is not None
            self._posted = None
            error = DomainError("request_timeout", "the body came too slowly")
            self._hang_up(self._door.refuse(error, self._path()))
        elif waits_s > (HUNG_UP_S if self._deaf else READ_WITHIN_S if self._in_head else IDLE_S):
            self.transport.close()


def too_large(door: PostDoor) -> DomainError:
    """Return what is said of a posting that is larger than a door takes."""
    return DomainError("payload_too_large", f"at most {door.max_bytes} bytes")
