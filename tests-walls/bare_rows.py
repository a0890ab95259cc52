"""Rows with nothing in them but whose they are: all constraints are taken away, so that any table takes one."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from schemas import House

WITH = """
select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = $2
where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1
"""
# Foreign keys before what they point to, keys before the NOT NULL of their columns.
CONSTRAINTS = """
select format('alter table %s drop constraint if exists %I cascade', conrelid::regclass, conname) from pg_constraint
where connamespace = $1::text::regnamespace and conrelid <> 0 and coninhcount = 0
    and not exists (select from pg_attribute where attrelid = conrelid and attnum = any (conkey) and attidentity <> '' and contype = 'n')
order by position(contype::text in 'fcpun')
"""
INDEXES = """
select format('drop index %s', i.indexrelid::regclass) from pg_index i join pg_class c on c.oid = i.indexrelid
where c.relnamespace = $1::text::regnamespace and i.indisunique and not c.relispartition
    and not exists (select from pg_constraint where conindid = i.indexrelid)
"""


@asynccontextmanager
async def as_tenants(
    connection: asyncpg.Connection, tenants: Sequence[str] | None, projects: Sequence[str] | None = None
) -> AsyncIterator[None]:
    """Do something behind the wall of these tenants, in these projects, and take it back; None: nothing was ever set."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        if tenants is not None:
            await connection.execute("select set_config('app.tenant_ids', $1, true)", ",".join(tenants))
        if projects is not None:
            await connection.execute("select set_config('app.project_ids', $1, true)", ",".join(projects))
        yield
    finally:
        await transaction.rollback()


async def clear_constraints(administrator: asyncpg.Connection, schema: str) -> None:
    """Take away every constraint and unique index of a schema."""
    for query in (CONSTRAINTS, INDEXES):
        for (statement,) in await administrator.fetch(query, schema):
            await administrator.execute(statement)


async def tables_with(house: House, schema: str, column: str) -> list[str]:
    """Return the tables of a schema that have a column."""
    return [row["relname"] for row in await house.administrator.fetch(WITH, schema, column)]
