"""The composition root: the only file that names every concrete class."""

from collections.abc import Sequence

from contracts.envelope import AnyEvent
from outbox.work import UnitOfWork
from runtime.parts import Parts
from runtime.service import Blueprint

from billing.adapters.accounts_in_postgres import ACCOUNTS, AccountsInPostgres
from billing.adapters.meters_in_postgres import MetersInPostgres
from billing.application.announcements import Announcements
from billing.application.work import Work
from billing.entrypoints.events import (
    on_automation_rule_executed,
    on_identity_tenant_created,
    on_message_received,
    on_message_sent,
)
from billing.entrypoints.http.accounts import account_routes
from billing.entrypoints.http.usage import usage_routes

SERVICE = "billing"
GATHER_S = 0.2
"""Meters count a little later under load: nobody waits for them, and the line has fewer transactions."""


def work_of(work: UnitOfWork) -> Work:
    """Return what the use cases work with, inside this transaction."""
    return Work(
        accounts=AccountsInPostgres(work.connection),
        meters=MetersInPostgres(work.connection),
        announcements=Announcements(work.say, work.new_id, work.now),
        new_id=work.new_id,
        now=work.now,
    )


async def build(parts: Parts) -> Blueprint:
    """Put the service together."""

    async def hear_tenant(events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        await on_identity_tenant_created.on_identity_tenant_created(events, work_of(work))

    async def hear_received(events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        await on_message_received.on_message_received(events, work_of(work))

    async def hear_sent(events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        await on_message_sent.on_message_sent(events, work_of(work))

    async def hear_execution(events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        await on_automation_rule_executed.on_automation_rule_executed(events, work_of(work))

    return Blueprint(
        subscriptions=[
            parts.subscription("identity_tenant_created", on_identity_tenant_created.HEARS, hear_tenant),
            parts.subscription("message_received", on_message_received.HEARS, hear_received),
            parts.subscription("message_sent", on_message_sent.HEARS, hear_sent),
            parts.subscription("automation_rule_executed", on_automation_rule_executed.HEARS, hear_execution),
        ],
        routes=[account_routes(work_of, ACCOUNTS), usage_routes(work_of)],
        gather_s=GATHER_S,
    )
