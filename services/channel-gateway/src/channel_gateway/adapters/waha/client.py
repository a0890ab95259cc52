"""Calls to WAHA servers over HTTP. Bodies are never logged: an error of WAHA echoes the whole request.

Every connection goes to an address that was checked in that moment; redirects are not followed, nothing is taken from the
environment, and the key goes to the channel's own server and nowhere else. Rules: security.md 8.2, class B.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import httpcore
import msgspec
from kernel.errors import DomainError

from channel_gateway.adapters.waha.reading import NotJson, decode
from channel_gateway.application.messenger import Server
from channel_gateway.domain.outgoing_addresses import OutgoingAddresses

CONNECT_S = 5.0
ANSWER_S = 30.0
"""WAHA waits up to 15 s itself before it says that a session does not work."""

MOST_BYTES = 1024 * 1024
KEPT_ALIVE_S = 4.0
"""Less than the 5 s after which WAHA's server closes an idle connection: a request must not meet a closing one."""

_MOST_CONNECTIONS = 200
_NOTHING_LEFT = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, httpcore.UnsupportedProtocol)

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back. `status` None: nothing did; `left`: the request may have been read. `body` is decoded JSON."""

    status: int | None
    left: bool = True
    body: Any = field(default=None, repr=False)
    retry_after_s: float | None = None

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class WahaClient:
    """One per process: it keeps connections alive."""

    def __init__(self, addresses: OutgoingAddresses, *, answer_s: float = ANSWER_S) -> None:
        self._addresses = addresses
        self._answer_s = answer_s

    @cached_property
    def _pool(self) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=httpcore.default_ssl_context(),
            max_connections=_MOST_CONNECTIONS,
            keepalive_expiry=KEPT_ALIVE_S,
            network_backend=_CheckedNetwork(self._addresses),
        )

    async def call(
        self,
        server: Server,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        answer_s: float | None = None,
    ) -> HttpAnswer:
        """Make one call and return what came of it, whatever that is."""
        url = f"{server.base_url}{path}{'?' + urlencode(query) if query else ''}"
        headers = [("X-Api-Key", server.api_key), ("Accept", "application/json")]
        content = None
        if body is not None:
            headers.append(("Content-Type", "application/json"))
            content = _encode(body)
        patience = answer_s or self._answer_s
        timeouts = {"connect": CONNECT_S, "pool": CONNECT_S, "write": patience, "read": patience}
        try:
            async with (
                asyncio.timeout(CONNECT_S * 2 + patience),
                self._pool.stream(
                    method, url, headers=headers, content=content, extensions={"timeout": timeouts}
                ) as response,
            ):
                return await _read(response)
        except (*_NOTHING_LEFT, DomainError):
            return HttpAnswer(None, left=False)
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, TimeoutError, OSError):
            return HttpAnswer(None)

    async def close(self) -> None:
        """Close all connections."""
        if "_pool" in self.__dict__:
            await self._pool.aclose()


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked up and checked just now; the name serves TLS and the Host header only."""

    def __init__(self, addresses: OutgoingAddresses) -> None:
        self._addresses = addresses
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await self._addresses.to_dial(host, port)
        for address in found[:-1]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError:
                continue
        return await self._network.connect_tcp(found[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.UnsupportedProtocol("only TCP")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _read(response: httpcore.Response) -> HttpAnswer:
    headers = {name.lower(): value for name, value in response.headers}
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_stream():
        size += len(chunk)
        if size > MOST_BYTES:
            chunks = []
            break
        chunks.append(chunk)
    try:
        body = decode(b"".join(chunks)) if chunks else None
    except (NotJson, RecursionError):
        body = None
    return HttpAnswer(response.status, body=body, retry_after_s=_retry_after(headers.get(b"retry-after")))


def _retry_after(value: bytes | None) -> float | None:
    """Return the seconds that a `Retry-After` asks for, as a number or a date; None where it says nothing."""
    if not value:
        return None
    text = value.decode("latin-1").strip()
    if text.isdigit():
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None
