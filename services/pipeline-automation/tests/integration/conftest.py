"""A project with contacts and rules, the events that start them, and a clock that stands still unless it is moved."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest_asyncio
from contracts.bundles import alone
from contracts.command.refused_v1 import CommandRefusedV1
from contracts.contact.created_v1 import ContactCreatedV1
from contracts.contact.deleted_v1 import ContactDeletedV1
from contracts.contact.pipeline_status_changed_v1 import ContactPipelineStatusChangedV1
from contracts.envelope import AnyEvent
from contracts.identity.project_created_v1 import IdentityProjectCreatedV1
from contracts.message.failed_v1 import MessageFailedV1
from contracts.message.received_v1 import MessageReceivedV1
from contracts.session.ended_v1 import SessionEndedV1
from contracts.session.metrics import SessionMetrics
from contracts.session.started_v1 import SessionStartedV1
from kernel.cause import Cause
from kernel.ids import new_id
from outbox.inbox import Inbox
from outbox.work import UnitOfWork, Works
from pipeline_automation.application.create_rule import create_rule
from pipeline_automation.bootstrap import HEARING, work_of
from pipeline_automation.domain.actions import Action
from pipeline_automation.domain.rule import Rule

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HANDLERS = {
    module.HEARS.TYPE: (name.removeprefix("on_"), getattr(module, name))
    for module in HEARING
    for name in (module.__name__.rpartition(".")[2],)
}


@dataclass
class Place:
    """A project of a tenant: its ids, and its pipeline's statuses by name."""

    tenant: str = field(default_factory=new_id)
    project: str = field(default_factory=new_id)
    channel: str = field(default_factory=new_id)
    pipeline: str = field(default_factory=new_id)
    statuses: dict[str, str] = field(default_factory=dict)


@dataclass
class Reactions:
    """Says what others say, lets the service hear it, and looks at what became of it."""

    line: Any
    works: Works
    now: datetime = NOON

    def event(self, place: Place, data: Any, **more: Any) -> AnyEvent:
        """Return an event; `more` replaces fields of the envelope."""
        event = self.line.event(data, place.tenant, place.project, at=self.now)
        return msgspec.structs.replace(event, **more)

    def project_created(self, place: Place) -> AnyEvent:
        """Return the project of a place."""
        data = IdentityProjectCreatedV1(
            project_id=place.project,
            name="Loja",
            is_default=True,
            timezone="America/Sao_Paulo",
            country="BR",
            language="pt-BR",
            session_timeout_minutes=30,
            default_pipeline_id=place.pipeline,
            owner_user_id=new_id(),
            version=1,
        )
        return self.event(place, data)

    def nowhere(self) -> Place:
        """Return a place of which the service has not heard."""
        return Place()

    async def a_place(self, *contacts: str, **details: Any) -> Place:
        """Return a project with its default pipeline and contacts in its first status."""
        place = Place()
        await self.hear(self.project_created(place))
        if contacts:
            await self.hear(*(self.event(place, self.a_contact(place, each, **details)) for each in contacts))
        rows = await self.line.rows("select name, id::text from statuses where tenant_id = $1", place.tenant)
        place.statuses = {row["name"]: row["id"] for row in rows}
        return place

    def a_contact(self, place: Place, contact: str, **details: Any) -> ContactCreatedV1:
        """Return somebody who was met."""
        given = {"name": "Ana Souza", "phone": "+5511987654321", "version": 1, "origin": "inbound", **details}
        return ContactCreatedV1(contact_id=contact, name_source="push", created_at=self.now, **given)

    def message(self, place: Place, contact: str | None, text: str = "oi", **more: Any) -> AnyEvent:
        """Return a message that a contact wrote now."""
        envelope = {name: more.pop(name) for name in ("hop", "actor", "correlationid") if name in more}
        given: dict[str, Any] = {
            "chat_type": "individual",
            "chat_key": f"{place.channel}:{contact}",
            "origin": "live",
            "late": False,
            "occurred_at": self.now,
            "contact_name": "Ana Souza",
            **more,
        }
        data = MessageReceivedV1(
            message_id=new_id(),
            chat_id=new_id(),
            channel_id=place.channel,
            channel_type="waha",
            provider_message_id=new_id(),
            content=msgspec.Raw(msgspec.json.encode({"type": "text", "text": text})),
            sequence=1,
            received_at=self.now,
            contact_id=contact,
            **given,
        )
        return self.event(place, data, **envelope)

    def session_started(self, place: Place, contact: str, **more: Any) -> AnyEvent:
        """Return an attendance that began now."""
        data = SessionStartedV1(
            session_id=new_id(),
            contact_id=contact,
            chat_key=f"{place.channel}:{contact}",
            channel_id=place.channel,
            channel_type="waha",
            timeout_minutes=30,
            started_at=self.now,
            **{"origin": "live", **more},
        )
        return self.event(place, data)

    def session_ended(self, place: Place, contact: str, **more: Any) -> AnyEvent:
        """Return an attendance that ended now, after half an hour."""
        data = SessionEndedV1(
            session_id=new_id(),
            contact_id=contact,
            chat_key=f"{place.channel}:{contact}",
            channel_id=place.channel,
            channel_type="waha",
            started_at=self.now - timedelta(minutes=30),
            ended_at=self.now,
            duration_seconds=1800,
            metrics=SessionMetrics(total_messages=4, inbound_messages=3, outbound_messages=1),
            **{"end_reason": "inactivity_timeout", **more},
        )
        return self.event(place, data)

    def moved(self, place: Place, contact: str, old: str | None, new: str, **envelope: Any) -> AnyEvent:
        """Return a contact that moved now."""
        data = ContactPipelineStatusChangedV1(
            contact_id=contact,
            pipeline_id=place.pipeline,
            new_status_id=place.statuses[new],
            new_status_name=new,
            new_status_type="open",
            changed_by="user:x",
            changed_at=self.now,
            previous_status_id=place.statuses[old] if old else None,
        )
        return self.event(place, data, **envelope)

    def deleted(self, place: Place, contact: str) -> AnyEvent:
        """Return a contact that was deleted."""
        return self.event(place, ContactDeletedV1(contact_id=contact, at=self.now, version=2))

    def refused(self, place: Place, wish: AnyEvent) -> AnyEvent:
        """Return the refusal of a wish for a tag."""
        data = CommandRefusedV1(
            command_id=wish.id,
            command_type=wish.type,
            code="not_found",
            detail="no such contact",
            execution_ref=wish.data.execution_ref,
        )
        return self.event(place, data)

    def failed(self, place: Place, message_id: str, source: str = "trigger") -> AnyEvent:
        """Return a message that will not arrive."""
        data = MessageFailedV1(
            message_id=message_id,
            chat_id=new_id(),
            chat_key="chat",
            channel_id=place.channel,
            source=source,
            code="opted_out",
            reason="the contact wants no marketing",
            retryable=False,
            failed_at=self.now,
        )
        return self.event(place, data)

    async def rule(self, place: Place, trigger: str, *actions: Action, **more: Any) -> str:
        """Write down a rule; return its id."""
        given = {"automation_type": "event", "name": "rule", **more}
        rule = Rule(trigger=trigger, actions=actions or (say("ok"),), **given)
        by = Cause(tenant_id=place.tenant, actor="user:x", correlation_id=new_id())
        async with self.works.begin([place.tenant]) as work:
            return await create_rule(rule, place.project, by, work_of(work))

    async def hear(self, *events: AnyEvent, inbox: bool = True) -> list[AnyEvent]:
        """Let the service hear events as one batch, twice the same only once; return what it said."""
        said: list[AnyEvent] = []

        async def handle(fresh: Sequence[AnyEvent], work: UnitOfWork) -> None:
            await self.apply(fresh, work)
            said[:] = work.said

        if inbox:
            by_type = [[event for event in events if event.type == type] for type in HANDLERS]
            heard = [(HANDLERS[each[0].type][0], alone(each), handle) for each in by_type if each]
            await Inbox(self.works).apply(heard)
        else:
            async with self.works.begin({event.tenantid for event in events}) as work:
                await handle(events, work)
        return said

    async def apply(self, events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        """Hand events to their handlers, type by type as the service does, and note the statements."""
        work.connection.add_query_logger(self.line._note)
        try:
            for type, (_, handler) in HANDLERS.items():
                if of_type := [event for event in events if event.type == type]:
                    await handler(of_type, work_of(work))
        finally:
            work.connection.remove_query_logger(self.line._note)

    async def executions(self, *rules: str) -> list[Any]:
        """Return the executions of rules in the order of time, with their documents read."""
        rows = await self.line.rows(
            "select *, event_id::text as event, rule_id::text as rule from rule_executions"
            " where rule_id = any($1::uuid[]) order by id",
            list(rules),
        )
        return [
            {
                **row,
                "conditions": msgspec.json.decode(row["conditions"]),
                "actions": msgspec.json.decode(row["actions"]),
            }
            for row in rows
        ]

    async def states(self, *rules: str) -> list[tuple[str, str | None]]:
        """Return state and reason of the executions of rules."""
        return [(row["state"], row["reason"]) for row in await self.executions(*rules)]


def say(content: str, **more: Any) -> Action:
    """An action that writes."""
    return Action("send_message", {"content": content, **more})


def tag(name: str) -> Action:
    """An action that puts a tag on."""
    return Action("add_tag", {"tag": name})


def untag(name: str) -> Action:
    """An action that takes a tag off."""
    return Action("remove_tag", {"tag": name})


def move(status_id: str) -> Action:
    """An action that moves."""
    return Action("change_pipeline_status", {"status_id": status_id})


@pytest_asyncio.fixture
async def reactions(line: Any) -> AsyncIterator[Reactions]:
    """The service as rules see it."""
    found = Reactions(line, line.works)
    found.works = Works(line.works.database, partitions=4, clock=lambda: found.now)
    found.say, found.tag, found.untag, found.move = say, tag, untag, move  # type: ignore[attr-defined]
    yield found
