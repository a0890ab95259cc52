"""One database with the migrated schemas of all services."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio
from kernel.ids import new_id
from postgres.roles import LOGIN_ROLES, create_service
from schemas import WITH_SCHEMA, House
from testkit.servers import (
    PASSWORD,
    Servers,
    copy_database,
    drop_database,
    dsn_of,
    migrate,
    service_database,
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated(servers: Servers) -> AsyncIterator[str]:
    """The name of a database with everything that migrations make."""
    name = f"test_{new_id().replace('-', '')}"
    administrator = await asyncpg.connect(servers.superuser_dsn)
    try:
        await administrator.execute(f'create database "{name}"')
        connection = await asyncpg.connect(dsn_of(servers.superuser_dsn, database=name))
        try:
            await administrator.execute("select pg_advisory_lock(4242)")  # as testkit does: roles are the cluster's
            for service in WITH_SCHEMA:
                await create_service(connection, service.name, dict.fromkeys(LOGIN_ROLES, PASSWORD))
        finally:
            await administrator.execute("select pg_advisory_unlock(4242)")
            await connection.close()
        for service in WITH_SCHEMA:
            await asyncio.to_thread(migrate(service.module), service_database(servers, name, service.name))
        yield name
    finally:
        await administrator.close()
        await drop_database(servers, name)


@pytest_asyncio.fixture(loop_scope="session")
async def house(servers: Servers, migrated: str) -> AsyncIterator[House]:
    """A database of one's own, as migrations leave it."""
    name = await copy_database(servers, migrated)
    services = {one.name: service_database(servers, name, one.name) for one in WITH_SCHEMA}
    administrator = await asyncpg.connect(dsn_of(servers.superuser_dsn, database=name))
    try:
        yield House(administrator, services)
    finally:
        await administrator.close()
        await drop_database(servers, name)
