"""The pytest plugin: real servers, and databases of one's own."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from local_stack.progress import NotYet

from testkit.servers import (
    Servers,
    ServiceDatabase,
    copy_database,
    create_database,
    drop_database,
    migrate,
    service_database,
    start_servers,
    start_temporal,
)

DatabaseOf = Callable[[str, str], Awaitable[ServiceDatabase]]
EmptyDatabaseOf = Callable[..., Awaitable[ServiceDatabase]]


@pytest.fixture(scope="session")
def servers() -> Servers:
    """The real Postgres and RabbitMQ of the instance `test`."""
    return start_servers()


@pytest.fixture(scope="session")
def temporal() -> str:
    """Where the real Temporal of the instance `test` answers (host:port); skips where its program cannot be had.

    It is shared by everybody: take task queues and workflow ids of your own.
    """
    try:
        return start_temporal()
    except NotYet:
        pytest.skip("Temporal's program is missing on this machine: `make temporal` brings it, once")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _templates(servers: Servers) -> AsyncIterator[dict[str, str]]:
    templates: dict[str, str] = {}
    yield templates
    for name in templates.values():
        await drop_database(servers, name)


@pytest_asyncio.fixture(loop_scope="session")
async def database_of(servers: Servers, _templates: dict[str, str]) -> AsyncIterator[DatabaseOf]:
    """`await database_of("contact", "contact")`: a fresh database with that service's migrations (service, package)."""
    made: list[str] = []

    async def make(service: str, package: str) -> ServiceDatabase:
        if service not in _templates:
            _templates[service] = await create_database(servers, service, migrate(package))
        name = await copy_database(servers, _templates[service])
        made.append(name)
        return service_database(servers, name, service)

    yield make
    for name in made:
        await drop_database(servers, name)


@pytest_asyncio.fixture(loop_scope="session")
async def empty_database_of(servers: Servers) -> AsyncIterator[EmptyDatabaseOf]:
    """`await empty_database_of("toy")`: a fresh database with that service's roles and an empty schema."""
    made: list[str] = []

    async def make(service: str) -> ServiceDatabase:
        name = await create_database(servers, service)
        made.append(name)
        return service_database(servers, name, service)

    yield make
    for name in made:
        await drop_database(servers, name)
