"""Load an instance with contacts and messages: `make seed`.

Tenants, channels and their API keys come from the API; people, sessions and messages are written set-based into the services' tables
(`seed_rows.py`), past the wall and past the line, in chunks of a transaction each. A run that was interrupted goes on where it was; one
that was finished says so and does nothing. What was made is told in `.ventros/<instance>/seed.json`. Loopback only.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import seed_rows as rows
from contact.domain.search_text import folded
from contact.domain.tags import tag_key
from local_stack.files import read_json, write_private_json
from local_stack.instances import Instance

INSTANCE = "reads"
"""One of its own: the benchmark of the line begins with an empty one."""
CONTACTS, MESSAGES = 500_000, 5_000_000
CHUNK = 4_000
SMALL_TENANTS = 7
BIG_SHARE = 0.8
"""How much of everything the first tenant has; the rest is evenly that of the small ones."""

_FIRST = (
    "Ana João Maria José Francisco Antônio Adriana Carlos Paulo Juliana Lucas Márcia Fernanda Luiz Patrícia Marcos Aline Rafael Sandra"
    " Camila Daniel Amanda Bruna Jéssica Felipe Letícia Júlia Eduardo Luciana Vanessa Mariana Gabriel Rodrigo Vitória Bianca Thiago"
    " Beatriz Vinícius Larissa Gustavo Priscila Débora Renata Sérgio Tânia Zé"
)
_LAST = (
    "Silva Santos Oliveira Souza Rodrigues Ferreira Alves Pereira Lima Gomes Costa Ribeiro Martins Carvalho Almeida Lopes Soares"
    " Fernandes Vieira Barbosa Rocha Dias Nascimento Andrade Moreira Nunes Marques Machado Mendes Freitas Cardoso Ramos Gonçalves"
    " Santana Teixeira Araújo Moura Cavalcanti Monteiro Barros Campos Guimarães Azevedo Peixoto Sá Ávila"
)
_SYLLABLES = "ba ce di fo gu ja ke li mo nu pa re si to vu xa ze qui lha pre"
FIRST, LAST, SYLLABLES = (words.split() for words in (_FIRST, _LAST, _SYLLABLES))
NO_LIMITS = {f"RATE_LIMIT_{each}_MAX": "100000000" for each in ("AUTH", "AUTHENTICATED", "TENANT", "GLOBAL")}
TAGS = ("whatsapp", "Lead", "VIP")


@dataclass(frozen=True)
class Tenant:
    """Where people are put, and by which key they are read."""

    tenant_id: str
    project_id: str
    channel_id: str
    pipeline_id: str
    status_id: str
    api_key: str
    contacts: int


@dataclass(frozen=True)
class Seeded:
    """What a seeded instance holds: the big tenant first."""

    contacts: int
    messages: int
    at: str
    tenants: tuple[Tenant, ...]

    @classmethod
    def of(cls, instance: Instance) -> "Seeded | None":
        """Return what the instance was, or is being, seeded with."""
        told = read_json(instance.folder / "seed.json")
        return told and cls(**{**told, "tenants": tuple(Tenant(**tenant) for tenant in told["tenants"])})

    def keep(self, instance: Instance) -> None:
        """Note it beside the data, for whoever goes on with it or reads it; it holds API keys."""
        write_private_json(instance.folder / "seed.json", asdict(self))

    def chunks(self) -> Iterator[tuple[Tenant, int, int]]:
        """Yield who is made in one transaction: a tenant, from and up to which number."""
        for tenant in self.tenants:
            for low in range(0, tenant.contacts, CHUNK):
                yield tenant, low, min(low + CHUNK, tenant.contacts)


async def make_tenants(instance: Instance, contacts: int, administrator: asyncpg.Connection) -> tuple[Tenant, ...]:
    """Register the tenants and connect a channel each; wait until all services know of them."""
    small = int(contacts * (1 - BIG_SHARE) / SMALL_TENANTS)
    address = f"http://127.0.0.1:{instance.ports['gateway']}/api/v1"
    tenants = []
    async with httpx.AsyncClient(base_url=address, timeout=30, trust_env=False) as client:
        for number in range(1 + SMALL_TENANTS):
            owner = {"name": f"Seeded {number}", "email": f"seed-{number}-{time.time_ns()}@example.com"}
            registered = await client.post("/auth/register", json={**owner, "password": "a long and odd passphrase 7"})
            registered.raise_for_status()
            key = registered.json()["api_key"]
            channel = await client.post("/crm/channels", headers={"X-API-Key": key}, json=_channel(instance, number))
            channel.raise_for_status()
            place = await _place(administrator, registered.json()["tenant_id"], channel.json()["id"])
            count = small if number else contacts - small * SMALL_TENANTS
            tenants.append(Tenant(**place, api_key=key, contacts=count))
    return tuple(tenants)


def _channel(instance: Instance, number: int) -> dict[str, Any]:
    config = {
        "base_url": f"http://127.0.0.1:{instance.ports['simulator']}",
        "api_key": instance.secrets["waha_api_key"],
        "session_id": f"seeded{number}",
    }
    return {"name": "Seeded", "type": "waha", "waha_config": config, "default_session_timeout_minutes": 1440}


async def _place(administrator: asyncpg.Connection, tenant_id: str, channel_id: str) -> dict[str, Any]:
    """Return tenant, project, channel, pipeline and its first status by their names, once messaging and automation know them."""
    for _ in range(150):
        found = await administrator.fetchrow(
            "select c.tenant_id::text, c.project_id::text, c.id::text as channel_id, p.id::text as pipeline_id, s.id::text as status_id"
            " from messaging.channels c"
            " join pipeline_automation.channels known on known.tenant_id = c.tenant_id and known.id = c.id"
            " join pipeline_automation.pipelines p on p.tenant_id = c.tenant_id and p.project_id = c.project_id and p.is_default"
            " join pipeline_automation.statuses s on s.tenant_id = p.tenant_id and s.pipeline_id = p.id"
            " where c.tenant_id = $1 and c.id = $2 order by s.position limit 1",
            tenant_id,
            channel_id,
        )
        if found:
            return dict(found)
        await asyncio.sleep(0.2)
    raise SystemExit("the services did not hear of a new channel within 30 s")


async def make_chunk(connection: asyncpg.Connection, seeded: Seeded, tenant: Tenant, low: int, high: int) -> None:
    """Make the people from `low` up to `high` with all that they have, unless that was done; one transaction."""
    async with connection.transaction():
        new = await connection.fetchval(
            "insert into bench_seed.chunks values ($1, $2) on conflict do nothing returning true", tenant.tenant_id, low
        )
        if not new:
            return
        usual = seeded.messages / seeded.contacts / 10
        names = [FIRST, [folded(name) for name in FIRST], LAST, [folded(name) for name in LAST]]
        tags = [list(TAGS), [tag_key(tag) for tag in TAGS]]
        now = datetime.fromisoformat(seeded.at)
        place = (tenant.tenant_id, tenant.project_id, tenant.channel_id, tenant.pipeline_id, tenant.status_id)
        await connection.execute(rows.PEOPLE, low, high, usual, *names, SYLLABLES, *tags, *place, now)
        await connection.execute("analyze people")
        for statement in rows.FOR_PEOPLE:
            await connection.execute(statement)


async def seed(instance: Instance, contacts: int, messages: int, workers: int = 2) -> Seeded:
    """Make what is missing; return what there is. Raises SystemExit where the instance holds another seed."""
    administrator = await asyncpg.connect(instance.postgres_superuser_dsn)
    try:
        seeded = Seeded.of(instance)
        if seeded is None:
            tenants = await make_tenants(instance, contacts, administrator)
            seeded = Seeded(contacts, messages, datetime.now(UTC).isoformat(timespec="seconds"), tenants)
            seeded.keep(instance)
        if (seeded.contacts, seeded.messages) != (contacts, messages):
            raise SystemExit(
                f"instance {instance.name} is seeded with {seeded.contacts} and {seeded.messages}: reset it first"
            )
        await administrator.execute(
            "create schema if not exists bench_seed;"
            " create table if not exists bench_seed.chunks (tenant_id uuid, low bigint, primary key (tenant_id, low))"
        )
        done = {tuple(row) for row in await administrator.fetch("select tenant_id::text, low from bench_seed.chunks")}
        missing = [chunk for chunk in seeded.chunks() if (chunk[0].tenant_id, chunk[1]) not in done]
        if missing:
            await _make_all(instance, seeded, missing, workers)
            # As autovacuum would in time; without it the first readers would do its work.
            await administrator.execute("vacuum analyze")
        return seeded
    finally:
        await administrator.close()


async def _make_all(instance: Instance, seeded: Seeded, missing: list[tuple[Tenant, int, int]], workers: int) -> None:
    waiting, began, count = iter(missing), time.monotonic(), len(missing)

    async def work() -> None:
        connection = await asyncpg.connect(
            instance.postgres_superuser_dsn,
            command_timeout=300,
            server_settings={"synchronous_commit": "off", "work_mem": "128MB", "timezone": "UTC"},
        )
        try:
            await connection.execute(rows.PEOPLE_TABLE)
            for number, (tenant, low, high) in enumerate(waiting):
                await make_chunk(connection, seeded, tenant, low, high)
                if number % 10 == 9:
                    print(
                        f"  {high:>9,} contacts of a tenant of {tenant.contacts:,}, {time.monotonic() - began:.0f} s",
                        flush=True,
                    )
        finally:
            await connection.close()

    print(f"{count} chunks of {CHUNK:,} contacts to make", flush=True)
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())


def stack(command: str, instance: str) -> None:
    """Run a command of the local stack, with room for as many requests as a load may have."""
    subprocess.run(
        [sys.executable, "-m", "local_stack", command, "--instance", instance],
        check=True,
        env={**os.environ, **NO_LIMITS},
        stdout=subprocess.DEVNULL,
        timeout=300,
    )


def main() -> None:
    """Start the instance, and seed it; it stays up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instance", default=INSTANCE)
    parser.add_argument("--contacts", type=int, default=CONTACTS)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    wanted = parser.parse_args()
    stack("up", wanted.instance)
    began = time.monotonic()
    seeded = asyncio.run(seed(Instance.open(wanted.instance), wanted.contacts, wanted.messages))
    print(
        f"{seeded.contacts:,} contacts and about {seeded.messages:,} messages in {len(seeded.tenants)} tenants, {time.monotonic() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
