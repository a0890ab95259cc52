"""A connection to WAHA: calls of its API are answered here, whatever else comes goes through uvicorn's ASGI to the control API.

uvicorn and the framework cost more than most calls do themselves.
"""

import asyncio
from urllib.parse import unquote

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from waha_simulator.api_calls import Api, Endpoint
from waha_simulator.api_requests import Answer, ApiRequest
from waha_simulator.door import Door, peer_port_of


class Connection(HttpToolsProtocol):
    """uvicorn's, on a loop of ours; the door knows those that came through it."""

    def __init__(self, config: Config, state: ServerState, api: Api, door: Door | None) -> None:
        super().__init__(config, state, {})
        self._api = api
        self._door = door
        self._endpoint: Endpoint | None = None
        self._body = b""
        self._answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        super().connection_made(transport)
        if self._door is not None:
            self._door.entered(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._door is not None:
            self._door.left(self.transport)
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        path, _, self._query = self.url.partition(b"?")
        self._path, self._method = unquote(path.decode("latin-1")), self.parser.get_method().decode()
        found = self._api.routes.find(self._method, self._path)
        if found is None:
            self._endpoint = None
            super().on_headers_complete()
            return
        self._endpoint, self._params = found
        self._body, self._stays = b"", self.parser.should_keep_alive()
        if self.expect_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if self._endpoint is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        if self._endpoint is None:
            super().on_message_complete()
            return
        request = ApiRequest(
            method=self._method,
            path=self._path,
            path_params=self._params,
            raw_query=self._query,
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers},
            body=self._body,
            peer_port=peer_port_of(self.transport),
        )
        # Answers leave in the order in which they were asked for.
        work = self._answer(request, self._endpoint, self._answering, stays=self._stays)
        self._answering = self.loop.create_task(work)
        self.tasks.add(self._answering)
        self._answering.add_done_callback(self.tasks.discard)

    async def _answer(
        self, request: ApiRequest, endpoint: Endpoint, before: asyncio.Task[None] | None, *, stays: bool
    ) -> None:
        answer, whole = await self._api.answer(request, endpoint)
        if before is not None and not before.done():
            await asyncio.wait([before])
        if self.transport.is_closing():
            return
        self._write(answer, whole=whole, stays=stays, with_body=request.method != "HEAD")
        self.on_response_complete()

    def _write(self, answer: Answer, *, whole: bool, stays: bool, with_body: bool) -> None:
        """Write an answer; of one that is not whole the half, and nothing more."""
        head, body = answer.on_the_wire(b"" if stays else b"connection: close\r\n", with_body=with_body)
        self.transport.write(head + (body if whole else body[: len(body) // 2]))
        if not (stays and whole):
            self.transport.close()
