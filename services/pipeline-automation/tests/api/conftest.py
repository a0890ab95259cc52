"""The whole service over ASGI on a database of its own, and the few things that every test asks of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from kernel.ids import new_id
from pipeline_automation.application.project_contacts import project_contacts
from pipeline_automation.bootstrap import build, work_of
from pipeline_automation.domain.known_contact import Snapshot
from testkit.plugin import DatabaseOf
from testkit.serving import Served, a_caller, serving
from web.caller import Caller

Knows = Callable[..., Awaitable[str]]


@pytest.fixture
def ana() -> Caller:
    """The administrator of a tenant of her own."""
    return a_caller(new_id(), new_id())


@pytest_asyncio.fixture
async def served(database_of: DatabaseOf) -> AsyncIterator[Served]:
    """The service."""
    async with serving(await database_of("pipeline-automation", "pipeline_automation"), build) as found:
        yield found


@pytest.fixture
def knows(served: Served, ana: Caller) -> Knows:
    """`await knows("Zé")`: the service has heard of a contact; returns its id."""

    async def hear(name: str = "Zé", **more: Any) -> str:
        contact_id = more.pop("contact_id", None) or new_id()
        tenant, project = more.pop("tenant_id", ana.tenant_id), more.pop("project_id", ana.project_id)
        async with served.parts.works.begin([tenant]) as unit:
            work = work_of(unit)
            key = (tenant, project, contact_id)
            await project_contacts([(key, Snapshot(version=1, name=name, **more))], work)
        return str(contact_id)

    return hear
