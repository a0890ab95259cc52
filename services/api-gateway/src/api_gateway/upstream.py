"""One pool of connections to each service: bounded, without proxies, cookies or redirects."""

import asyncio
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import aiohttp
from kernel.errors import DomainError
from multidict import CIMultiDict
from telemetry.logs import get_logger
from telemetry.metrics import counter
from yarl import URL

log = get_logger(__name__)

FAILURES = counter("upstream_failures_total", "calls to a service that were not answered", ("service", "kind"))

CONNECT_S = 2.0
MOST_CONNECTIONS = 100
KEPT_ALIVE_S = 15.0
"""Less than the 30 s after which a service closes an idle connection."""

_NOT_SAID = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")
"""What the caller did not say is not said."""

RawHeaders = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered."""

    status: int
    headers: RawHeaders
    body: bytes


class Upstream:
    """A service that answers for us."""

    def __init__(self, service: str, url: str, timeout_s: float = 30.0) -> None:
        self.service = service
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._places = asyncio.Semaphore(MOST_CONNECTIONS)

    @cached_property
    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            # Bounded by `_places`, which tell that we are at our limit from a service that cannot be reached.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_ALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_NOT_SAID,
            auto_decompress=False,
        )

    async def ask(
        self,
        method: str,
        target: str,
        headers: RawHeaders = (),
        body: bytes | AsyncIterable[bytes] = b"",
        *,
        timeout_s: float | None = None,
    ) -> Answer:
        """Return the answer to one request. `target` (path and query, encoded) goes out exactly as it is.

        Raises dependency_unavailable where the service is away or breaks off, timeout where it does not answer in time. What may be
        repeated by its method is, once, where a connection that was kept alive turns out to be closed (RFC 9110, 9.2.2).
        """
        patience = self._timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._places.acquire()
        except TimeoutError as error:
            self._away("pool", error)
            raise DomainError("overloaded", f"{self.service} has too much to do") from error
        try:
            return await self._ask(method, target, headers, body, patience)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise self._away("connect", error) from error
        except TimeoutError as error:
            self._away("timeout", error)
            raise DomainError("timeout", f"{self.service} does not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._away("broken", error) from error
        finally:
            self._places.release()

    async def _ask(
        self, method: str, target: str, headers: RawHeaders, body: bytes | AsyncIterable[bytes], patience: float
    ) -> Answer:
        connect_s = min(CONNECT_S, patience)
        async with self._session.request(
            method,
            URL(self._url + target, encoded=True),
            headers=CIMultiDict((name.decode("latin-1"), _text(value)) for name, value in headers),
            data=body or None,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_s, sock_read=patience),
            allow_redirects=False,
        ) as answer:
            return Answer(answer.status, answer.raw_headers, await answer.read())

    async def close(self) -> None:
        """Close all connections."""
        if "_session" in self.__dict__:
            await self._session.close()

    def _away(self, kind: str, error: Exception) -> DomainError:
        FAILURES.labels(self.service, kind).inc()
        log.warning("a service does not answer", service_asked=self.service, kind=kind, error_type=type(error).__name__)
        return DomainError("dependency_unavailable", f"{self.service} does not answer")


def _text(value: bytes) -> str:
    """Return a header's value so that its bytes go out as they came, wherever they are UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


Upstreams = Mapping[str, Upstream]
