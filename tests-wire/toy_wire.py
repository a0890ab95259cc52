"""A toy stack on the real broker and database, and the checker that decides whether the wire held."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import toy
from bus.connection import connected
from bus.topology import Names, declare
from contracts.topology import Topology
from kernel.ids import new_id
from outbox.said import events_said
from outbox.work import Works
from postgres.database import Database
from testkit.eventually import eventually
from testkit.servers import Servers, ServiceDatabase, own_topology

TENANTS = [new_id() for _ in range(2)]


@dataclass
class Wire:
    """The toy stack: start processes, say things, and look what became of them."""

    servers: Servers
    database: ServiceDatabase
    service: str
    topology_path: Path
    logs: Path
    works: Works
    administrator: asyncpg.Connection
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    said: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    poisoned: set[tuple[str, str, int]] = field(default_factory=set)

    def start(self, roles: str = "consume,relay", **environment: str) -> "subprocess.Popen[bytes]":
        """Start a toy process."""
        full = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parent),
            "APP_DSN": self.database.app_dsn,
            "RELAY_DSN": self.database.relay_dsn,
            "RABBITMQ_URL": f"{self.servers.rabbitmq_url}?heartbeat=2",
            "TOPOLOGY": str(self.topology_path),
            "TOY_SERVICE": self.service,
            "ROLES": roles,
            **environment,
        }
        with (self.logs / f"{len(self.processes)}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(Path(__file__).parent / "toy.py")], env=full, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    async def say(
        self, chats: int, each: int, *, poison: Callable[[int], bool] = lambda n: False, batch: int = 20
    ) -> None:
        """Say `each` things in each of `chats` chats of each tenant, in small transactions."""
        for tenant in TENANTS:
            pending = []
            for _ in range(each):
                for chat_number in range(chats):
                    chat = f"chat-{chat_number}"  # the same names in both tenants, on purpose
                    number = len(self.said[tenant, chat]) + 1
                    self.said[tenant, chat].append(number)
                    if poison(number):
                        self.poisoned.add((tenant, chat, number))
                    pending.append(toy.thing_happened(tenant, chat, number, poisonous=poison(number)))
            for start in range(0, len(pending), batch):
                async with self.works.begin([tenant]) as work:
                    work.say(*pending[start : start + batch])

    async def applied(self) -> dict[str, dict[tuple[str, str], list[int]]]:
        """Return per consumer and chat the numbers in the order in which they were applied."""
        rows = await self.administrator.fetch(
            "select tenant_id::text, consumer, chat, number from toy.applied order by position"
        )
        found: dict[str, dict[tuple[str, str], list[int]]] = {"first": defaultdict(list), "second": defaultdict(list)}
        for tenant, consumer, chat, number in rows:
            found[consumer][tenant, chat].append(number)
        return found

    async def count(self) -> int:
        """Return how many effects there are."""
        return int(await self.administrator.fetchval("select count(*) from toy.applied"))

    async def parked(self) -> list[asyncpg.Record]:
        """Return what is parked."""
        return list(await self.administrator.fetch("select * from toy.parked_events order by parked_at, id"))

    def expected(self) -> dict[tuple[str, str], list[int]]:
        """Return per chat the numbers that must have been applied."""
        return {
            (tenant, chat): [n for n in numbers if (tenant, chat, n) not in self.poisoned]
            for (tenant, chat), numbers in self.said.items()
        }

    async def settled(self, within_s: float = 60.0) -> None:
        """Wait until everything said was applied by both, and a moment longer for what should not come."""
        wanted = 2 * sum(map(len, self.expected().values()))
        try:
            await eventually(lambda: self._reached(wanted), within_s=within_s, because=f"{wanted} effects")
        except AssertionError as error:
            raise AssertionError(f"{error}: {await self.count()} there\n{self.log_text()[-3000:]}") from None
        await eventually(self._quiet, within_s=15, every_s=0.3, because="an empty outbox")

    async def _reached(self, wanted: int) -> bool:
        return await self.count() >= wanted

    async def _quiet(self) -> bool:
        before = await self.count()
        await asyncio.sleep(0.5)
        pending = await self.administrator.fetchval("select count(*) from toy.outbox_pending")
        return pending == 0 and before == await self.count()

    async def check(self) -> None:
        """Every thing exactly once, by both consumers, in order within its chat (C3 to C5 of the checker)."""
        expected = self.expected()
        for consumer, chats in (await self.applied()).items():
            assert dict(chats) == expected, f"{consumer}: {difference(expected, chats)}"
        pending = await self.administrator.fetchval("select count(*) from toy.outbox_pending")
        assert pending == 0, f"{pending} rows are not published"

    async def reconnect(self) -> None:
        """Look at the database through a new connection: the old one died with the server."""
        self.administrator.terminate()
        self.administrator = await asyncpg.connect(self.database.superuser_dsn)

    async def forget_what_was_not_said(self, before: dict[tuple[str, str], list[int]]) -> None:
        """After a refusal, keep of the last round what turns out to have been committed."""
        connection = await asyncpg.connect(self.database.superuser_dsn)
        try:
            said = [json.loads(each) for each in await events_said(connection, "toy", toy.ThingHappenedV1.TYPE)]
        finally:
            await connection.close()
        there = {(event["tenantid"], event["data"]["chat"], event["data"]["number"]) for event in said}
        for (tenant, chat), numbers in self.said.items():
            old = before.get((tenant, chat), [])
            self.said[tenant, chat] = old + [n for n in numbers[len(old) :] if (tenant, chat, n) in there]

    def log_text(self) -> str:
        """Return what all processes printed."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.logs.glob("*.log")))

    def stop(self) -> None:
        """End every process that we started."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(10)


def difference(expected: dict[Any, list[int]], found: dict[Any, list[int]]) -> str:
    """Say in words what is lost, doubled or out of order."""
    told = []
    for chat in sorted(set(expected) | set(found)):
        wanted, got = expected.get(chat, []), found.get(chat, [])
        if wanted == got:
            continue
        lost, extra = sorted(set(wanted) - set(got)), len(got) - len(set(got))
        told.append(f"{chat[1]}: lost {lost[:5]}, doubled {extra}, {'reordered' if sorted(got) != got else 'in order'}")
    return "; ".join(told[:5])


@asynccontextmanager
async def open_wire(servers: Servers, database: ServiceDatabase, folder: Path) -> AsyncIterator[Wire]:
    """Make the toy's tables, exchanges and queues; end its processes and remove what is on the broker afterwards."""
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(toy.schema_sql())
    await owner.close()
    service = f"toy-{new_id()[-12:]}"  # queues are named after the service, and tests run side by side
    topology = own_topology(
        {toy.ThingHappenedV1.TYPE: [(service, "first")], toy.ThingPassedV1.TYPE: [(service, "second")]}
    )
    path = folder / "topology.json"
    path.write_text(json.dumps(asdict(topology)))
    logs = folder / "logs"
    logs.mkdir()
    async with connected(servers.rabbitmq_url, "tests") as connection:
        await declare(await connection.channel(), topology, toy.PARTITIONS)
    pool = await Database.connect(database.app_dsn, application="tests")
    works = Works(pool, partitions=toy.PARTITIONS)
    wire = Wire(servers, database, service, path, logs, works, await asyncpg.connect(database.superuser_dsn))
    try:
        yield wire
    finally:
        wire.stop()
        await wire.administrator.close()
        await pool.close()
        async with connected(servers.rabbitmq_url, "tests") as connection:
            await remove(await connection.channel(), topology)


async def remove(channel: Any, topology: Topology) -> None:
    """Delete the queues and exchanges of one test."""
    for service, consumer, _ in topology.all_subscriptions():
        names = Names(service, consumer)
        for queue in (*map(names.queue, range(toy.PARTITIONS)), names.dead_letters):
            await channel.queue_delete(queue)
    await channel.exchange_delete(topology.exchange)
    await channel.exchange_delete(topology.dead_letter_exchange)
