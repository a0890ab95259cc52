"""The system under test: one instance of its own, whose processes can be killed, stopped, held back and doubled, and its counters read."""

import asyncio
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from local_stack import stack
from local_stack.answering import answers_ready, ask
from local_stack.instances import Instance
from local_stack.keeping import Server, held_back
from local_stack.ports import free_ports
from local_stack.process_table import SERVICES, Service, module_command, programs, service_environment, url
from local_stack.processes import Process, detach
from product import ENVIRONMENT, SCHEMAS, Product
from proxy import Proxy
from testkit.eventually import eventually

INSTANCE = "test-chaos"
SERVERS = ("postgres", "rabbitmq", "temporal")


class Replica:
    """A service once more in a process of its own: beside the first, or in its place while that is held back."""

    def __init__(
        self,
        instance: Instance,
        service: Service,
        name: str,
        environment: Mapping[str, str],
        ports: Mapping[str, int],
        only: str,
    ) -> None:
        self.name = name
        self.kills = 0
        self._instance = instance
        self._command = [*module_command(service.module, "run"), *(["--only", only] if only else [])]
        own = {"PORT": str(ports[service.port]), "METRICS_PORT": str(ports[f"{service.port}_metrics"])}
        self._environment = service_environment(instance, service) | own | dict(environment)
        self.metrics_url = f"http://127.0.0.1:{own['METRICS_PORT']}"
        self.url = f"http://127.0.0.1:{own['PORT']}"
        self.process: Process | None = None

    @property
    def log(self) -> Path:
        """Return where it writes."""
        return self._instance.logs / f"{self.name}.log"

    def start(self, **environment: str) -> None:
        """Start it, with more in its environment for this life; its record lets `down` find what was forgotten."""
        started = detach(
            self._command,
            environment=self._environment | environment,
            cwd=self._instance.root,
            log=self.log,
        )
        started.record(self._instance.records / f"{self.name}.json")
        self.process = started

    def alive(self) -> bool:
        """Tell whether it runs."""
        return self.process is not None and self.process.alive()

    def ready(self) -> bool:
        """Tell whether it says that it is."""
        return self.alive() and answers_ready(f"{self.metrics_url}/ready")

    async def until_ready(self, within_s: float = 20) -> None:
        """Wait for it."""
        await eventually(
            lambda: asyncio.to_thread(self.ready), within_s=within_s, every_s=0.1, because=f"{self.name} is ready"
        )

    async def until_ready_or_dead(self, within_s: float = 20) -> None:
        """Wait until it is in service, or has died on the way."""
        await eventually(
            lambda: asyncio.to_thread(lambda: not self.alive() or self.ready()),
            within_s=within_s,
            every_s=0.1,
            because=f"{self.name} is ready or dead",
        )

    async def died(self, within_s: float) -> bool:
        """Wait for its death; tell whether it came."""
        assert self.process is not None
        gone = await asyncio.to_thread(self.process.wait_until_gone, within_s)
        self.kills += gone
        return gone

    def address_space(self) -> int:
        """Return how many bytes its address space takes now."""
        assert self.process is not None
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[0])
        return pages * resource.getpagesize()

    async def stop(self) -> None:
        """Let it end what it holds, as a deployment does."""
        if self.process is not None:
            await asyncio.to_thread(self.process.stop, 27)
            (self._instance.records / f"{self.name}.json").unlink(missing_ok=True)


class Stand:
    """Started when the first scenario needs it, and again when the next one needs other settings."""

    def __init__(self, instance: str = INSTANCE) -> None:
        self._name = instance
        self._settings: Mapping[str, str] | None = None
        self._borrowed = False
        self.instance: Instance
        self.product: Product
        self.back_s: dict[str, float] = {}
        """Whoever was killed in this scenario → the longest that it took to be back in service, in seconds."""
        self.kills: Counter[str] = Counter()
        self.proxies: dict[str, Proxy] = {}
        """Between the services and those servers that the settings name in THROUGH_PROXIES."""
        self._returns: list[asyncio.Task[None]] = []

    @classmethod
    def around(cls, product: Product) -> "Stand":
        """Take what somebody else has started, and will stop: scenarios with settings of their own are refused."""
        stand = cls(product.instance.name)
        stand.instance, stand.product, stand._borrowed = product.instance, product, True
        return stand

    async def ensure(self, settings: Mapping[str, str]) -> None:
        """Run with these settings: keep what runs, if it does, else begin with an empty folder."""
        self.back_s, self.kills, self._returns = {}, Counter(), []
        if self._borrowed:
            assert not settings, "this scenario needs a stack of its own"
            await self._until_all_ready()
            return
        if self._settings == settings and await asyncio.to_thread(self.all_ready):
            return
        await self.stop()
        environment = {**os.environ, **ENVIRONMENT, **settings}
        self.instance = Instance.open(self._name, environment=environment)
        await asyncio.to_thread(stack.reset, self.instance)
        self.instance = Instance.open(self._name, environment=environment)
        await self._open_proxies([each for each in settings.get("THROUGH_PROXIES", "").split(",") if each])
        await asyncio.to_thread(stack.up, self.instance)
        client = httpx.AsyncClient(base_url=url(self.instance, "gateway"), timeout=30, trust_env=False)
        self.product = Product(self.instance, client)
        self._settings = settings
        await self._until_all_ready()  # together: `up` waits for one after the other, and the first may be away again

    async def _until_all_ready(self) -> None:
        await eventually(lambda: asyncio.to_thread(self.all_ready), within_s=60, because="everybody is ready")

    async def stop(self) -> None:
        """Stop everything; the data stays for whoever looks."""
        if self._settings is not None:
            await self.product.client.aclose()
            await asyncio.to_thread(stack.down, self.instance)
            for proxy in self.proxies.values():
                await proxy.close()
            self.proxies = {}
            self._settings = None

    async def _open_proxies(self, servers: Sequence[str]) -> None:
        """Listen before the services start; the servers are started first, since with them the ports are settled."""
        if servers:
            await asyncio.to_thread(self.instance.start)
        for server in servers:
            ports = self.instance.ports
            self.proxies[server] = Proxy(ports[server], ports[self.instance.way_to(server)], seed=len(self.proxies))
            await self.proxies[server].open()

    # ---- processes

    def service(self, name: str) -> Service:
        """Return a row of the process table."""
        return next(each for each in SERVICES if each.name == name)

    def process(self, name: str) -> Process:
        """Return the recorded process of a service, the simulator or a server."""
        servers: Mapping[str, Callable[[], Server]] = {
            "postgres": self.instance.postgres,
            "rabbitmq": self.instance.rabbitmq,
            "temporal": self.instance.temporal,
        }
        found = (
            servers[name]().process() if name in servers else Process.recorded(self.instance.records / f"{name}.json")
        )
        assert found is not None, f"{name} does not run"
        return found

    def ready(self, name: str) -> bool:
        """Tell whether it is in service."""
        if name in SERVERS:
            server: Any = getattr(self.instance, name)()
            return bool(server.process() is not None and server.ready())
        program = next(each for each in programs(self.instance) if each.name == name)
        recorded = Process.recorded(self.instance.records / f"{name}.json")
        return recorded is not None and answers_ready(str(program.ready_url))

    def not_ready(self) -> list[str]:
        """Return who is not in service. All are asked at once: where a server is away, each takes seconds to say so."""
        names = [*(each.name for each in programs(self.instance)), "postgres", "rabbitmq"]
        with ThreadPoolExecutor(len(names)) as asking:
            return [name for name, ready in zip(names, asking.map(self.ready, names), strict=True) if not ready]

    def everybody(self) -> list[str]:
        """Return all who can be killed: services, the simulator, servers."""
        temporal = [] if self.instance.external_temporal_host or not self.ready("temporal") else ["temporal"]
        return [*(each.name for each in programs(self.instance)), "postgres", "rabbitmq", *temporal]

    async def until_ready(self, name: str, within_s: float = 30) -> None:
        """Wait until somebody is in service."""
        await eventually(
            lambda: asyncio.to_thread(self.ready, name), within_s=within_s, every_s=0.1, because=f"{name} is ready"
        )

    def door_address(self) -> str:
        """Return where the first door listens."""
        return url(self.instance, "channel_gateway")

    def all_ready(self) -> bool:
        """Tell whether everything is in service."""
        return not self.not_ready()

    async def kill(self, name: str) -> None:
        """Kill -9; how long it takes to be back is measured beside what follows."""
        killed, process = time.monotonic(), self.process(name)
        process.signal(signal.SIGKILL)
        self.kills[name] += 1
        self._returns.append(asyncio.create_task(self._returned(name, process, killed)))

    async def _returned(self, name: str, before: Process, since: float) -> None:
        def back() -> bool:
            return not before.alive() and self.ready(name)

        try:
            await eventually(lambda: asyncio.to_thread(back), within_s=40, every_s=0.1, because=f"{name} is back")
        finally:
            self.back_s[name] = max(self.back_s.get(name, 0.0), time.monotonic() - since)

    async def all_back(self) -> None:
        """Wait for everybody who was killed; raises AssertionError for who is not back after 40 s."""
        returns, self._returns = self._returns, []
        await asyncio.gather(*returns)

    @asynccontextmanager
    async def held_back(self, name: str) -> AsyncIterator[None]:
        """Let nobody start this process or server again within the block; it is not ended by this."""
        held = held_back(self.instance.folder, name)
        held.parent.mkdir(exist_ok=True)
        held.touch()
        try:
            yield
        finally:
            held.unlink(missing_ok=True)

    @asynccontextmanager
    async def in_place_of(self, name: str, *, only: str = "", **environment: str) -> AsyncIterator[Replica]:
        """Stop a service and hand out one of ours on its ports, not started yet; afterwards the first one comes back."""
        async with self.held_back(name):
            await asyncio.to_thread(self.process(name).stop, 27)
            ours = Replica(self.instance, self.service(name), f"our-{name}", environment, self.instance.ports, only)
            try:
                yield ours
            finally:
                await ours.stop()
        await self.until_ready(name, 40)

    @asynccontextmanager
    async def beside(
        self, name: str, *, only: str = "", called: str = "second", **environment: str
    ) -> AsyncIterator[Replica]:
        """Run another replica of a service on ports of its own."""
        ports = free_ports(self._name)
        second = Replica(self.instance, self.service(name), f"{called}-{name}", environment, ports, only)
        second.start()
        try:
            await second.until_ready()
            yield second
        finally:
            await second.stop()

    # ---- counters

    async def counted(self, name: str, service: str | Replica, label: str = "") -> float:
        """Return the sum of a metric as a process tells it now, 0 where it does not answer.

        Over all its labels, or over those lines that hold `label` (`class="conflict"`).
        """
        place = (
            service.metrics_url
            if isinstance(service, Replica)
            else url(self.instance, f"{self.service(service).port}_metrics")
        )
        text = (await asyncio.to_thread(ask, "GET", f"{place}/metrics") or b"").decode()
        lines = [line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} "))]
        return sum(value_of(line) for line in lines if label in line)

    async def counted_everywhere(self, name: str) -> float:
        """Return the sum over all services of the process table."""
        return sum([await self.counted(name, each.name) for each in SERVICES])

    async def control(self, *arguments: str) -> str:
        """Run rabbitmqctl; raises AssertionError where it fails."""
        done = await asyncio.to_thread(self.instance.rabbitmq().control, *arguments)
        assert done.returncode == 0, f"rabbitmqctl {arguments[0]}: {done.stderr.strip()[-300:]}"
        return done.stdout

    async def queues_of(self, service: str, *, consumers: int) -> int:
        """Return how many queues of a service have at least so many consumers."""
        listed = await self.control("list_queues", "name", "consumers")
        rows = (line.strip().rpartition("\t") for line in listed.splitlines())
        return sum(name.startswith(f"{service}.") and int(count) >= consumers for name, _, count in rows if name)

    def log_marks(self) -> dict[Path, int]:
        """Return how long every log is now."""
        return {log: log.stat().st_size for log in self.instance.logs.glob("*.log")}

    def said_since(self, marks: Mapping[Path, int], text: str) -> int:
        """Return how often a text was logged since then, by anybody."""
        total = 0
        for log in self.instance.logs.glob("*.log"):
            with log.open("rb") as file:
                file.seek(marks.get(log, 0) if log.stat().st_size >= marks.get(log, 0) else 0)
                total += file.read().count(text.encode())
        return total


def value_of(line: str) -> float:
    """Return the value of one line of Prometheus text."""
    return float(line.rpartition(" ")[2])


LINE = tuple(name for name in ("channel-gateway", "contact", "session", "messaging", "pipeline-automation", "billing"))
"""The services that an inbound message goes through."""
assert {name.replace("-", "_") for name in LINE} <= set(SCHEMAS)
