"""The whole service on a database of its own, as people ask it and as others wish of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest_asyncio
from contact.bootstrap import build
from contracts.automation_rule.execution_ref import ExecutionRef
from contracts.bundles import alone
from contracts.contact.tag_add_requested_v1 import ContactTagAddRequestedV1
from contracts.contact.tag_remove_requested_v1 import ContactTagRemoveRequestedV1
from contracts.envelope import AnyEvent, first_event
from kernel.ids import new_id
from testkit.plugin import DatabaseOf
from testkit.serving import Served, a_caller, serving

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass
class Desk:
    """`ask` is Ana of one tenant; `stranger` is somebody of another one."""

    served: Served
    tenant: str = field(default_factory=new_id)
    project: str = field(default_factory=new_id)
    told: int = 0

    def __post_init__(self) -> None:
        self.ana = a_caller(self.tenant, self.project)
        self.stranger = a_caller(new_id(), new_id())

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask as Ana."""
        return await self.served.ask(more.pop("by", self.ana), method, path, **more)

    async def enter(self, name: str = "Zé", **body: Any) -> dict[str, Any]:
        """Enter a contact; return it."""
        answer = await self.ask("POST", "/crm/contacts", json={"name": name, **body}, by=body.pop("by", self.ana))
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def define(self, key: str, type: str, **body: Any) -> dict[str, Any]:
        """Define a custom field; return it."""
        answer = await self.ask("POST", "/crm/custom-fields", json={"key": key, "type": type, **body})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def read(self, contact_id: str) -> dict[str, Any]:
        """Return a contact as it is now."""
        found: dict[str, Any] = (await self.ask("GET", f"/crm/contacts/{contact_id}")).json()
        return found

    async def names(self, path: str, **query: Any) -> list[str]:
        """Return the names in a list."""
        answer = await self.ask("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return [each["name"] for each in answer.json()["data"]]

    async def news(self) -> list[AnyEvent]:
        """Return what was said since the last time."""
        said = await self.served.said()
        news, self.told = said[self.told :], len(said)
        return news

    def wish(self, kind: str, tag: str, *contact_ids: str, **more: Any) -> AnyEvent:
        """Return the event by which a rule wishes to `add` or `remove` a tag."""
        payload = {"add": ContactTagAddRequestedV1, "remove": ContactTagRemoveRequestedV1}[kind]
        ref = ExecutionRef(rule_id=new_id(), execution_id=new_id(), action_index=2)
        return first_event(
            payload(contact_ids=contact_ids, tag=tag, execution_ref=ref),
            id=new_id(),
            source="pipeline-automation",
            subject=contact_ids[0],
            time=NOON,
            tenant_id=more.get("tenant", self.tenant),
            project_id=more.get("project", self.project),
            partition_key=contact_ids[0],
            correlation_id=new_id(),
            actor=f"rule:{ref.rule_id}",
        )

    async def hears(self, *events: AnyEvent) -> int:
        """Deliver events of one type as one batch, through the real inbox; return how many were new."""
        subscription = next(each for each in self.served.blueprint.subscriptions if each.reader.type == events[0].type)
        return sum(await self.served.parts.inbox.apply([(subscription.consumer, alone(events), subscription.handle)]))


@pytest_asyncio.fixture
async def desk(database_of: DatabaseOf) -> AsyncIterator[Desk]:
    """Contact, put together as in production."""
    async with serving(await database_of("contact", "contact"), build) as served:
        yield Desk(served)
