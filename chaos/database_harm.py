"""What somebody with the database's master key can do to it: end sessions, hold locks, make statements slow, and poison a message.

All of it is undone at the end of its block, also when the block fails.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from product import Product

BACKENDS = """
select pid from pg_stat_activity
where backend_type = 'client backend' and (usename like '%\\_app' or usename like '%\\_relay') order by pid
"""
END = "select count(*) filter (where pg_terminate_backend(pid)) from unnest($1::int[]) as told (pid)"
LOCK = "lock table {table} in access exclusive mode"
FUNCTION = """
create function public.{name}() returns trigger language plpgsql as
$harm$ begin {body} return coalesce(new, old); end $harm$
"""
SLEEPY = "perform pg_sleep({seconds});"
POISON = "if new.text like '%{marker}%' then raise exception 'poisoned' using errcode = '22023'; end if;"
TRIGGER = "create trigger {name} before insert on {table} for each {each} execute function public.{name}()"
BLOCKED_BY_US = "select count(*) from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))"
HIGHEST = (
    "select tenant_id, id from contact.contacts where tenant_id = any($1::uuid[]) order by id desc limit 1 for update"
)
ALL_BELOW = """
select 1 from (select id from contact.contacts where tenant_id = any($1::uuid[]) and id < $2 order by id desc for update) as taken
"""
AGE_KEYS = """
update channel_gateway.delivery_keys set received_at = now() - make_interval(hours => $2)
where tenant_id = any($1::uuid[]) and dedupe_key = any($3::text[])
"""
KEYS = "select count(*) from channel_gateway.delivery_keys where tenant_id = any($1::uuid[]) and dedupe_key = any($2::text[])"
POOLED = "select count(*) from pg_stat_activity where usename = $1"


@asynccontextmanager
async def master(product: Product) -> AsyncIterator[asyncpg.Connection]:
    """Connect past every proxy and above every wall."""
    connection = await asyncpg.connect(product.instance.postgres_superuser_dsn, timeout=5)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


async def end_sessions(connection: asyncpg.Connection, dice: random.Random, share: float) -> int:
    """End a random share of the services' sessions; return how many were ended."""
    pids = [row["pid"] for row in await connection.fetch(BACKENDS)]
    chosen = [pid for pid in pids if dice.random() < share]
    return int(await connection.fetchval(END, chosen))


@asynccontextmanager
async def locked(product: Product, *tables: str) -> AsyncIterator[None]:
    """Hold an ACCESS EXCLUSIVE lock on tables."""
    async with master(product) as connection, connection.transaction():
        for table in tables:
            await connection.execute(LOCK.format(table=table))
        yield


@asynccontextmanager
async def slowed(product: Product, seconds: float, *tables: str) -> AsyncIterator[None]:
    """Let every statement that inserts into these tables sleep so long first."""
    async with _triggered(product, "chaos_sleepy", SLEEPY.format(seconds=seconds), "statement", tables):
        yield


@asynccontextmanager
async def poisoned(product: Product, marker: str) -> AsyncIterator[None]:
    """Let nobody store a message whose text holds the marker: an error of the data, as deterministic as any."""
    body = POISON.format(marker=marker)
    async with _triggered(product, "chaos_poison", body, "row", ["messaging.messages"]):
        yield


@asynccontextmanager
async def _triggered(product: Product, name: str, body: str, each: str, tables: Sequence[str]) -> AsyncIterator[None]:
    async with master(product) as connection:
        await connection.execute(FUNCTION.format(name=name, body=body))
        try:
            for table in tables:
                await connection.execute(TRIGGER.format(name=name, table=table, each=each))
            yield
        finally:
            # Its triggers go with it; whoever sleeps in one holds it up, but not for longer than a statement may take.
            await connection.execute(f"drop function public.{name}() cascade")


async def cross_the_line(product: Product, tenants: Sequence[str]) -> bool:
    """Take rows of contacts against the order in which everybody else takes them, once; tell whether somebody stood in our way.

    We have more patience than the server's default of a second, so it is the other who is told of the deadlock.
    """
    async with master(product) as connection:
        await connection.execute("set deadlock_timeout = '8s'; set statement_timeout = '6s'")
        async with connection.transaction():
            highest = await connection.fetchrow(HIGHEST, tenants)
            for _ in range(40):
                if await connection.fetchval(BLOCKED_BY_US):
                    break
                await asyncio.sleep(0.02)
            else:
                return False
            await connection.fetch(ALL_BELOW, tenants, highest["id"])
            return True
