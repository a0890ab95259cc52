"""Calls to WAHA servers over HTTP. Bodies are never logged: an error of WAHA echoes the whole request.

Every connection goes to an address that was checked in that moment; redirects are not followed, nothing is taken from the
environment, and the key goes to the channel's own server and nowhere else. Rules: security.md 8.2, class B.
"""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import aiohttp
import certifi
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from kernel.errors import DomainError
from yarl import URL

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
_NOTHING_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
_NOT_SAID = ("Accept-Encoding", "User-Agent")

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
    def _session(self) -> aiohttp.ClientSession:
        tls = ssl.create_default_context()
        tls.load_verify_locations(certifi.where())
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=_MOST_CONNECTIONS,
                keepalive_timeout=KEPT_ALIVE_S,
                resolver=_CheckedAddresses(self._addresses),
                use_dns_cache=False,
                ssl=tls,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_NOT_SAID,
            auto_decompress=False,
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
        url = URL(f"{server.base_url}{path}{'?' + urlencode(query) if query else ''}", encoded=True)
        headers = {"X-Api-Key": server.api_key, "Accept": "application/json"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = _encode(body)
        patience = answer_s or self._answer_s
        timeouts = aiohttp.ClientTimeout(
            total=CONNECT_S * 2 + patience, connect=CONNECT_S * 2, sock_connect=CONNECT_S, sock_read=patience
        )
        try:
            await self._check_literal(url)
            async with self._session.request(
                method, url, headers=headers, data=content, timeout=timeouts, allow_redirects=False
            ) as answer:
                return await _read(answer)
        except (*_NOTHING_LEFT, DomainError):
            return HttpAnswer(None, left=False)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return HttpAnswer(None)

    async def _check_literal(self, url: URL) -> None:
        """Check an address that is written out: the connector asks its resolver for names only."""
        host, port = url.host, url.port
        if host is not None and port is not None and (":" in host or host[-1:].isdigit()):
            await self._addresses.to_dial(host, port)

    async def close(self) -> None:
        """Close all connections. Whoever calls later, as others in this process may, opens new ones."""
        session = self.__dict__.pop("_session", None)
        if session is not None:
            await session.close()


class _CheckedAddresses(AbstractResolver):
    """Looks names up and checks what they mean, at each connect; the name serves TLS and the Host header only."""

    def __init__(self, addresses: OutgoingAddresses) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await self._addresses.to_dial(host, port)
        ]

    async def close(self) -> None:
        """There is nothing to close."""


async def _read(answer: aiohttp.ClientResponse) -> HttpAnswer:
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_any():
        size += len(chunk)
        if size > MOST_BYTES:
            chunks = []
            break
        chunks.append(chunk)
    try:
        body = decode(b"".join(chunks)) if chunks else None
    except (NotJson, RecursionError):
        body = None
    return HttpAnswer(answer.status, body=body, retry_after_s=_retry_after(answer.headers.get("Retry-After")))


def _retry_after(value: str | None) -> float | None:
    """Return the seconds that a `Retry-After` asks for, as a number or a date; None where it says nothing."""
    if not value:
        return None
    text = value.strip()
    if text.isdigit():
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None
