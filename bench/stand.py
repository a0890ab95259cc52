"""The stack under measurement: an instance of its own, `bench`, with tenants that have a channel and a key each.

A part of the benchmark is a module with `measure(stand) -> dict[str, Any]`. It starts the stack with the settings that it needs
(`stand.fresh(SEND_PACE="false")`), makes its tenants, measures, and leaves the stack to the next one, which starts afresh.
"""

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
from local_stack.instances import Instance
from local_stack.process_table import SERVICES, url
from processes import cpu_by_name, memory_by_name

INSTANCE = "bench"
ME = {"phone": "5511955550000", "lid": "217000000009999", "name": "The Shop"}
"""Whose WhatsApp number the channels are."""

LIMITS = ("AUTH", "AUTHENTICATED", "TENANT", "GLOBAL", "WEBHOOK", "WEBHOOK_BURST", "UNSIGNED")
NO_LIMITS = {f"RATE_LIMIT_{each}_MAX": "100000000" for each in LIMITS}
PRODUCTION = {"LOG_LEVEL": "info"}
SCHEMAS = tuple(service.name.replace("-", "_") for service in SERVICES if service.schema)
PENDING = " union all ".join(f"select from {schema}.outbox_pending" for schema in SCHEMAS)
QUIET_LOOKS, LOOK_EVERY_S = 3, 0.3


@dataclass(frozen=True)
class Tenant:
    """A customer organisation with one WhatsApp channel. `door` is the path that its webhooks are posted to."""

    tenant_id: str
    api_key: str
    channel_id: str
    session: str
    door: str
    webhook_secret: str


class Stand:
    """One stack at a time. Everything blocks; raises where the stack does not do what it is told."""

    def __init__(self, name: str = INSTANCE, partitions: int = 1) -> None:
        self._name = name
        # Whoever makes the instance reads it, the floor too.
        os.environ[f"{name.upper()}_BUS_PARTITIONS"] = str(partitions)
        self._client = httpx.Client(timeout=30, trust_env=False)

    @property
    def instance(self) -> Instance:
        """The instance as it is now: ports may move while it is down."""
        return Instance.open(self._name)

    # ---- the stack

    def fresh(self, **settings: str) -> None:
        """Remove everything and start anew, with more in the environment of the services (`SEND_PACE="false"`)."""
        self.reset()
        self.up(**settings)

    def up(self, **settings: str) -> None:
        """Start the services with these settings; the data stays."""
        self.run("up", **settings)

    def down(self) -> None:
        """Stop everything; the data stays."""
        self.run("down")

    def reset(self) -> None:
        """Stop everything and remove it."""
        self.run("reset")

    def run(self, command: str, **settings: str) -> None:
        """Run a command of the local stack on the instance."""
        subprocess.run(
            [sys.executable, "-m", "local_stack", command, "--instance", self._name],
            check=True,
            env={**os.environ, **PRODUCTION, **NO_LIMITS, **settings},
            stdout=subprocess.DEVNULL,
            timeout=300,
        )

    # ---- the product

    def address(self, port: str) -> str:
        """Return where something listens: `gateway`, `channel_gateway`, `simulator`…"""
        return url(self.instance, port)

    def ask(self, tenant: Tenant, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask the gateway as this tenant; the path begins behind /api/v1."""
        address = f"{self.address('gateway')}/api/v1{path}"
        return self._client.request(method, address, headers={"X-API-Key": tenant.api_key}, **more)

    def tenants(self, count: int, *, activated: bool = False, **channel: Any) -> list[Tenant]:
        """Make tenants with a channel each (`allow_groups=True` and more say what it is like).

        A channel hears at once; to send it has to be `activated`, which takes a second each.
        """
        made = [self._tenant(number, channel) for number in range(count)]
        if activated:
            for tenant in made:
                self._checked(self.ask(tenant, "POST", f"/crm/channels/{tenant.channel_id}/activate", json={}))
            for tenant in made:
                self._scan(tenant)
        return made

    def rule(self, tenant: Tenant, **rule: Any) -> str:
        """Write down an automation rule on `message.received`, as soon as automation knows the project; return its id."""
        body = {"automation_type": "event", "trigger": "message.received", **rule}
        deadline = time.monotonic() + 30
        while (answer := self.ask(tenant, "POST", "/automation/rules", json=body)).status_code in (404, 409, 503):
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)
        return str(self._checked(answer)["id"])

    def wait_until_drained(self, within_s: float = 120) -> float:
        """Wait until no outbox holds anything that is not published, for a second; return the seconds until then."""
        return asyncio.run(self._drained(within_s))

    # ---- what it costs

    def cpu(self) -> dict[str, float]:
        """Return CPU seconds so far, by process: services by their module, postgres, rabbitmq, temporal."""
        return cpu_by_name(self.instance)

    def memory(self) -> dict[str, float]:
        """Return megabytes held now, by process."""
        return memory_by_name(self.instance)

    # ---- inside

    def _tenant(self, number: int, channel: dict[str, Any]) -> Tenant:
        owner = {"name": f"Bench {number}", "email": f"bench-{time.time_ns()}@example.com"}
        body = {**owner, "password": "a long and odd passphrase 7"}
        registered = self._checked(self._client.post(f"{self.address('gateway')}/api/v1/auth/register", json=body))
        session = f"bench{time.time_ns():x}"
        config = {
            "base_url": self.address("simulator"),
            "api_key": self.instance.secrets["waha_api_key"],
            "session_id": session,
        }
        made = self._checked(
            self._client.post(
                f"{self.address('gateway')}/api/v1/crm/channels",
                headers={"X-API-Key": registered["api_key"]},
                json={"name": "Bench", "type": "waha", "waha_config": config, **channel},
            )
        )
        return Tenant(
            registered["tenant_id"],
            registered["api_key"],
            made["id"],
            session,
            f"/api/v1/webhooks/{made['webhook_id']}",
            made["webhook_secret"],
        )

    def _scan(self, tenant: Tenant) -> None:
        """Scan the code of a channel's session, and wait until the channel works."""
        place, secrets = self.address("simulator"), self.instance.secrets
        waha = {"X-Api-Key": secrets["waha_api_key"]}
        session = f"{place}/api/sessions/{tenant.session}"
        self._until(lambda: self._client.get(session, headers=waha).json().get("status") == "SCAN_QR_CODE")
        control = f"{self.address('simulator_metrics')}/control/sessions/{tenant.session}/scan"
        self._checked(self._client.post(control, headers={"X-Control-Key": secrets["simulator_control_key"]}, json=ME))
        channel = f"/crm/channels/{tenant.channel_id}"
        self._until(lambda: self.ask(tenant, "GET", channel).json()["status"] == "active")

    @staticmethod
    def _until(condition: Any, within_s: float = 30) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"what was waited for did not come within {within_s:g} s")
            time.sleep(0.1)

    @staticmethod
    def _checked(answer: httpx.Response) -> dict[str, Any]:
        if answer.is_error:
            raise SystemExit(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
        found: dict[str, Any] = answer.json()
        return found

    async def _drained(self, within_s: float) -> float:
        connection = await asyncpg.connect(self.instance.postgres_superuser_dsn)
        began = time.monotonic()
        try:
            quiet, since = 0, began
            while quiet < QUIET_LOOKS:
                if await connection.fetchval(f"select exists({PENDING})"):
                    quiet, since = 0, time.monotonic()
                else:
                    quiet += 1
                if time.monotonic() - began > within_s:
                    raise SystemExit(f"the line did not drain within {within_s:g} s")
                await asyncio.sleep(LOOK_EVERY_S)
            return since - began
        finally:
            await connection.close()
