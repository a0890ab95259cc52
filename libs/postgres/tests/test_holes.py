"""Holes in the wall: each kind is planted, and found by its rule and place; without them nothing is."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from postgres.holes import holes_in
from postgres.walls import PROJECT_FENCE, fence, finder_function, finder_may_read, protect
from testkit.plugin import EmptyDatabaseOf

TABLES = (
    """
create table toy.people (tenant_id uuid not null, id uuid not null, name text, primary key (tenant_id, id));
create table toy.notes (
    tenant_id uuid not null, id uuid not null, project_id uuid not null, person_id uuid, primary key (tenant_id, id),
    foreign key (tenant_id, person_id) references toy.people (tenant_id, id)
);
create table toy.weeks (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id)) partition by range (id);
create table toy.weeks_default partition of toy.weeks default;
alter table toy.weeks_default enable row level security;
alter table toy.weeks_default force row level security;
create table toy.steps (tenant_id uuid not null, seq bigserial, primary key (tenant_id, seq));
"""
    + "".join(protect("toy", table) for table in ("people", "notes", "weeks", "steps"))
    + fence("toy", "notes")
    + "grant usage on sequence toy.steps_seq_seq to toy_app;"
    + finder_may_read("toy", "people")
    + finder_function("toy", "find(wanted text)", "setof uuid", "select tenant_id from toy.people where name = wanted")
)

PLANTED = {
    "alter table toy.notes no force row level security": "table notes",
    "alter table toy.weeks_default disable row level security": "table weeks_default",
    "create table toy.more (tenant_id uuid not null)": "table more",
    "create view toy.all_notes as select * from toy.notes": "view all_notes",
    "create materialized view toy.kept as select 1 as one": "view kept",
    "alter policy tenant_wall on toy.notes using (true)": "wall notes",
    "alter policy tenant_wall on toy.notes with check (true)": "wall notes",
    "drop policy tenant_wall on toy.weeks": "wall weeks",
    "create policy more on toy.notes using (id is not null)": "policy notes.more",
    "create policy more on toy.notes for select to toy_app using (true)": "policy notes.more",
    "drop policy project_fence on toy.notes": "fence notes",
    "alter policy project_fence on toy.notes using (true)": "fence notes",
    "alter policy project_fence on toy.notes with check (true)": "fence notes",
    "alter policy project_fence on toy.notes to toy_finder": "fence notes",
    "drop policy project_fence on toy.notes;"
    f"create policy project_fence on toy.notes for select using ({PROJECT_FENCE})": "fence notes",
    "drop policy project_fence on toy.notes;"
    f"create policy project_fence on toy.notes using ({PROJECT_FENCE})": "fence notes",
    "alter table toy.people add column project_id uuid": "fence people",
    "create unique index by_name on toy.people (name)": "key by_name",
    "create unique index by_person on toy.notes (person_id, tenant_id)": "key by_person",
    "create unique index on toy.people (id);"
    "alter table toy.notes add constraint across foreign key (person_id) references toy.people (id)": "reference notes.across",
    "alter role toy_app bypassrls": "role app",
    "alter role toy_finder login": "role finder",
    "grant toy_owner to toy_app": "role app",
    "grant create on schema toy to toy_app; set role toy_app; create table toy.own (tenant_id uuid)": "owner app",
    "grant truncate on toy.notes to toy_app": "right notes",
    "grant select (id) on toy.notes to public": "right notes.id",
    "grant select on toy.notes to toy_relay": "right notes",
    "grant update on toy.people to toy_finder": "right people",
    "create schema other; grant usage on schema other to toy_app": "right other",
    "grant create on schema toy to toy_relay": "right toy",
    "alter function toy.find(text) owner to toy_owner": "function find",
    "alter function toy.find(text) reset search_path": "function find",
    "grant execute on function toy.find(text) to public": "function find",
}


@pytest_asyncio.fixture
async def administrator(empty_database_of: EmptyDatabaseOf) -> AsyncIterator[asyncpg.Connection]:
    found = await empty_database_of("toy")
    owner = await asyncpg.connect(found.owner_dsn)
    await owner.execute(TABLES)
    await owner.close()
    connection = await asyncpg.connect(found.superuser_dsn)
    yield connection
    await connection.close()


async def test_a_schema_made_as_it_should_be_has_no_hole_and_looking_changes_nothing(
    administrator: asyncpg.Connection,
) -> None:
    assert await holes_in(administrator, "toy") == []
    assert await administrator.fetchval("select to_regclass('wall_reference')") is None


@pytest.mark.parametrize("statement", PLANTED)
async def test_each_kind_of_hole_is_found(administrator: asyncpg.Connection, statement: str) -> None:
    # Roles belong to the cluster, and other tests use them: what is planted is never committed.
    transaction = administrator.transaction()
    await transaction.start()
    try:
        await administrator.execute(statement)
        await administrator.execute("reset role")
        found = {f"{each.rule} {each.place}" for each in await holes_in(administrator, "toy")}
    finally:
        await transaction.rollback()
    assert PLANTED[statement] in found


async def test_a_table_without_a_tenant_is_found(administrator: asyncpg.Connection) -> None:
    await administrator.execute(
        "set role toy_owner; create table toy.more (id uuid primary key); alter table toy.more enable row level security;"
        "alter table toy.more force row level security; grant select on toy.more to toy_app;"
        "reset role"
    )
    assert [str(each) for each in await holes_in(administrator, "toy")] == [
        "column more: it has no tenant_id uuid not null"
    ]
