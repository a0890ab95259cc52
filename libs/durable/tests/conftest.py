"""A Temporal that can be taken away."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from testkit.own_temporal import OwnTemporal

# A workflow is imported again, by its name, into each sandbox.
sys.path.append(str(Path(__file__).parent))


@pytest_asyncio.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnTemporal]:
    """A server of these tests' own. Whoever kills it starts it again."""
    async with OwnTemporal(tmp_path_factory.mktemp("temporal")) as running:
        yield running
