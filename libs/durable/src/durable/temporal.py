"""The one way to Temporal of a process: connected when first needed, every wait bounded, its absence told once.

`temporalio` is heavy (30 MB, 0.3 s), so nothing here imports it before somebody asks for the client.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

from telemetry.logs import get_logger

from durable.settings import TemporalSettings

if TYPE_CHECKING:
    from temporalio.client import Client
    from temporalio.runtime import Runtime

log = get_logger(__name__)

CALL_TIMEOUT_S = 10.0
HEALTH_TIMEOUT_S = 1.5


class TemporalAwayError(Exception):
    """Temporal does not answer, or not as it should: what waits for it is tried again later."""


class Temporal:
    """The client of one process. Payloads are JSON: plain dataclasses of ids and settings, no secrets, nobody's data."""

    def __init__(self, settings: TemporalSettings, identity: str) -> None:
        """`identity` names this process in Temporal's histories."""
        self.namespace = settings.namespace
        self._host = settings.host
        self._identity = identity
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        self._away = False

    @asynccontextmanager
    async def reached(self, within_s: float = CALL_TIMEOUT_S) -> "AsyncIterator[Client]":
        """Lend the client for a few calls; raise TemporalAwayError when one of them does not succeed within `within_s`."""
        # In a thread, or the line would stand still while a process starts: it takes a second on a busy machine.
        await asyncio.to_thread(_load)
        from temporalio.service import RPCError

        try:
            async with asyncio.timeout(within_s):
                yield await self._connected()
        except (RPCError, OSError, TimeoutError) as error:
            self.is_away(error)
            raise TemporalAwayError(str(error)) from error
        except TemporalAwayError as error:
            self.is_away(error.__cause__ or error)
            raise
        self._is_back()

    async def ready(self, within_s: float = CALL_TIMEOUT_S) -> "Client":
        """Return the client, for a worker to keep, once Temporal knows our namespace; raise TemporalAwayError otherwise."""
        async with self.reached(within_s) as client:
            from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

            await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=self.namespace))
        return client

    async def answers(self) -> bool:
        """Tell whether Temporal knows our namespace right now."""
        try:
            await self.ready(HEALTH_TIMEOUT_S)
        except TemporalAwayError:
            return False
        return True

    def is_away(self, error: BaseException) -> None:
        """Note that something failed for want of Temporal: said once, until it is back."""
        if not self._away:
            self._away = True
            log.warning(
                "Temporal is away; what waits for it catches up later",
                host=self._host,
                error_type=type(error).__name__,
                reason=str(error)[:200],
            )

    def _is_back(self) -> None:
        if self._away:
            self._away = False
            log.warning("Temporal is back", host=self._host)

    async def _connected(self) -> "Client":
        from temporalio.client import Client

        async with self._connecting:
            if self._client is None:
                try:
                    self._client = await Client.connect(
                        self._host, namespace=self.namespace, identity=self._identity, runtime=_runtime()
                    )
                except RuntimeError as error:  # the only thing that a refused connection raises
                    raise TemporalAwayError(str(error)) from error
            return self._client


def _load() -> None:
    import temporalio.client
    import temporalio.worker  # noqa: F401


@cache
def _runtime() -> "Runtime":
    """Return the threads below all clients of this process: silent about what they repeat, since we tell it ourselves."""
    from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

    quiet = LoggingConfig(
        TelemetryFilter(core_level="ERROR", other_level="ERROR"),
        forwarding=LogForwardingConfig(logging.getLogger("temporalio.core")),
    )
    return Runtime(telemetry=TelemetryConfig(logging=quiet), worker_heartbeat_interval=None)
