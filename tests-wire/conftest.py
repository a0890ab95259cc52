"""The fixture of the wire tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from testkit.plugin import EmptyDatabaseOf
from testkit.servers import Servers
from toy_wire import Wire, open_wire


@pytest_asyncio.fixture
async def wire(servers: Servers, empty_database_of: EmptyDatabaseOf, tmp_path: Path) -> AsyncIterator[Wire]:
    """A toy stack of one's own on the shared real servers."""
    async with open_wire(servers, await empty_database_of("toy"), tmp_path) as wire:
        yield wire
