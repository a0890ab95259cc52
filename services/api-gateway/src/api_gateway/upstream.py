"""One pool of connections to each service: bounded, without proxies, cookies or redirects.

The transport is used without httpx's client, which would keep cookies of one caller for the next.
"""

from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass

import httpx
from kernel.errors import DomainError
from telemetry.logs import get_logger
from telemetry.metrics import counter

log = get_logger(__name__)

FAILURES = counter("upstream_failures_total", "calls to a service that were not answered", ("service", "kind"))

CONNECT_S = 2.0
MOST_CONNECTIONS = 100
KEPT_ALIVE_S = 15.0
"""Less than the 30 s after which a service closes an idle connection."""

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
        self._url = httpx.URL(url)
        self._timeout = httpx.Timeout(timeout_s, connect=CONNECT_S, pool=CONNECT_S)
        self._transport = httpx.AsyncHTTPTransport(
            trust_env=False,
            retries=0,
            limits=httpx.Limits(
                max_connections=MOST_CONNECTIONS, max_keepalive_connections=20, keepalive_expiry=KEPT_ALIVE_S
            ),
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

        Raises dependency_unavailable where the service is away or breaks off, timeout where it does not answer in time.
        """
        timeout = self._timeout if timeout_s is None else httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
        request = httpx.Request(
            method,
            self._url,
            headers=[(b"Host", self._url.netloc), *headers],
            content=body or None,
            extensions={"timeout": timeout.as_dict(), "target": target.encode("ascii")},
        )
        try:
            response = await self._transport.handle_async_request(request)
            try:
                parts = [part async for part in response.stream]  # type: ignore[union-attr]
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._away("connect", error) from error
        except httpx.PoolTimeout as error:
            self._away("pool", error)
            raise DomainError("overloaded", f"{self.service} has too much to do") from error
        except httpx.TimeoutException as error:
            self._away("timeout", error)
            raise DomainError("timeout", f"{self.service} does not answer in time") from error
        except httpx.TransportError as error:
            raise self._away("broken", error) from error
        return Answer(response.status_code, response.headers.raw, b"".join(parts))

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    def _away(self, kind: str, error: Exception) -> DomainError:
        FAILURES.labels(self.service, kind).inc()
        log.warning("a service does not answer", service_asked=self.service, kind=kind, error_type=type(error).__name__)
        return DomainError("dependency_unavailable", f"{self.service} does not answer")


Upstreams = Mapping[str, Upstream]
