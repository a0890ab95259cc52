"""Events as billing hears them, and a migrated service of one's own."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest_asyncio
from billing.bootstrap import build
from contracts.automation_rule.executed_v1 import AutomationRuleExecutedV1
from contracts.bundles import alone
from contracts.envelope import AnyEvent, first_event
from contracts.fields import SenderRef
from contracts.identity.tenant_created_v1 import IdentityTenantCreatedV1
from contracts.message.received_v1 import MessageReceivedV1
from contracts.message.sent_v1 import MessageSentV1
from kernel.ids import new_id
from testkit.plugin import DatabaseOf
from testkit.serving import Served, serving

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HELLO = msgspec.Raw(b'{"type":"text","text":"hello"}')


def event_of(data: Any, tenant: str, project: str | None, at: datetime = NOON) -> AnyEvent:
    """Return an event that carries `data`."""
    return first_event(
        data,
        id=new_id(),
        source="tests",
        subject=new_id(),
        time=at,
        tenant_id=tenant,
        project_id=project,
        partition_key="key",
        correlation_id=new_id(),
        actor="system:tests",
    )


def received(
    tenant: str, project: str, at: datetime = NOON, *, contact: str | None = None, origin: str = "live"
) -> AnyEvent:
    """Return message.received for a message that was written at `at`."""
    data = MessageReceivedV1(
        message_id=new_id(),
        chat_id=new_id(),
        chat_key="key",
        chat_type="individual",
        channel_id=new_id(),
        channel_type="waha",
        provider_message_id=new_id(),
        content=HELLO,
        origin=origin,
        late=False,
        sequence=1,
        occurred_at=at,
        received_at=NOON,
        contact_id=contact,
    )
    return event_of(data, tenant, project)


def sent(
    tenant: str,
    project: str,
    at: datetime = NOON,
    *,
    contact: str | None = None,
    source: str = "manual",
    origin: str = "live",
) -> AnyEvent:
    """Return message.sent for a message that was accepted at `at`."""
    data = MessageSentV1(
        message_id=new_id(),
        chat_id=new_id(),
        chat_key="key",
        channel_id=new_id(),
        sender=SenderRef(kind="agent", id=new_id()),
        source=source,
        provider_message_id=new_id(),
        content=HELLO,
        origin=origin,
        sequence=1,
        occurred_at=at,
        sent_at=at,
        contact_id=contact,
    )
    return event_of(data, tenant, project)


def executed(tenant: str, project: str, at: datetime = NOON) -> AnyEvent:
    """Return automation_rule.executed, said at `at`."""
    data = AutomationRuleExecutedV1(rule_id=new_id(), execution_id=new_id(), action_results=())
    return event_of(data, tenant, project, at)


def registered(tenant: str) -> AnyEvent:
    """Return identity.tenant_created."""
    data = IdentityTenantCreatedV1(
        tenant_id=tenant,
        name="Loja da Ana",
        slug="loja-da-ana",
        owner_user_id=new_id(),
        owner_email="ana@example.com",
        country="BR",
        timezone="America/Sao_Paulo",
        language="pt-BR",
        version=1,
    )
    return event_of(data, tenant, None)


@dataclass
class House:
    """The whole service on a database of its own, and the events that it hears."""

    served: Served
    noon = NOON
    received = staticmethod(received)
    sent = staticmethod(sent)
    executed = staticmethod(executed)
    registered = staticmethod(registered)

    async def hears(self, *events: AnyEvent) -> int:
        """Deliver events of one type as one batch, through the real inbox; return how many were new."""
        subscription = self._subscription(events)
        return sum(await self.served.parts.inbox.apply([(subscription.consumer, alone(events), subscription.handle)]))

    async def hears_without_inbox(self, *events: AnyEvent) -> None:
        """Apply a batch as if the inbox were switched off."""
        async with self.served.parts.works.begin({event.tenantid for event in events}) as work:
            await self._subscription(events).handle(events, work)

    def _subscription(self, events: Sequence[AnyEvent]) -> Any:
        return next(each for each in self.served.blueprint.subscriptions if each.reader.type == events[0].type)

    async def usage(self, caller: Any, **query: str) -> list[dict[str, Any]]:
        """Ask for usage as `caller`."""
        answer = await self.served.ask(caller, "GET", "/billing/usage", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found


@pytest_asyncio.fixture
async def house(database_of: DatabaseOf) -> AsyncIterator[House]:
    """Billing, put together as in production."""
    async with serving(await database_of("billing", "billing"), build) as served:
        yield House(served)
