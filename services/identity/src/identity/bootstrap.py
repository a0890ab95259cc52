"""The composition root: the only file that names every concrete class."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from contracts.envelope import AnyEvent, Event
from kernel.settings import Environment, SettingsError
from outbox.work import UnitOfWork, Works
from postgres.database import set_tenants
from runtime.parts import Parts
from runtime.service import Blueprint
from web.permissions import permissions_of

from identity.adapters.accounts_in_postgres import AccountsInPostgres
from identity.adapters.agents_in_postgres import AGENTS, FOUND_AGENTS, AgentsInPostgres
from identity.adapters.api_keys_in_postgres import API_KEYS, ApiKeysInPostgres
from identity.adapters.argon2_passwords import FULL, LOW, Argon2Passwords
from identity.adapters.attempts_in_postgres import AttemptsInPostgres
from identity.adapters.audit_log_in_postgres import AUDIT_LOG, AuditLogInPostgres
from identity.adapters.audit_trail import AuditTrail
from identity.adapters.forgetting import Forgetting
from identity.adapters.mailing import Mailing
from identity.adapters.mails_in_postgres import MailsInPostgres
from identity.adapters.members_in_postgres import MEMBERS, MembersInPostgres
from identity.adapters.post_in_folder import PostInFolder
from identity.adapters.projects_in_postgres import FOUND, PROJECTS, ProjectsInPostgres
from identity.adapters.sealing import Sealing
from identity.adapters.second_factors_in_postgres import SecondFactorsInPostgres
from identity.adapters.sign_ins_in_postgres import SignInsInPostgres
from identity.adapters.signed_access_tokens import SignedAccessTokens
from identity.adapters.smtp_post import SmtpPost
from identity.adapters.withdrawals_in_postgres import WithdrawalsInPostgres
from identity.application.announcements import Announcements
from identity.application.send_mails import Post
from identity.application.work import Means, OpenWork, Work
from identity.domain.letters import Links
from identity.entrypoints.events import on_audit_recorded, on_channel_deleted, on_channel_status_changed
from identity.entrypoints.http.about import about_routes, key_set_routes
from identity.entrypoints.http.agents import agent_routes
from identity.entrypoints.http.api_keys import api_key_routes
from identity.entrypoints.http.audit_log import audit_log_routes
from identity.entrypoints.http.for_the_gateway import gateway_routes
from identity.entrypoints.http.invitations import invitation_routes
from identity.entrypoints.http.members import member_routes
from identity.entrypoints.http.passwords import password_routes
from identity.entrypoints.http.projects import project_routes
from identity.entrypoints.http.registration import registration_routes
from identity.entrypoints.http.second_factor import second_factor_routes
from identity.entrypoints.http.sign_in import sign_in_routes
from identity.entrypoints.http.virtual_agents import virtual_agent_routes
from identity.settings import MailSettings, Settings, read_settings

SERVICE = "identity"
GATHER_S = 0.2
"""The audit log is written a little later under load: nobody waits for it."""

Wait = Callable[[float], Awaitable[None]]


WorkOf = Callable[[UnitOfWork], Work]
Hear = Callable[[Sequence[Event[Any]], Work], Awaitable[None]]

HEARD: Mapping[str, tuple[Any, Hear]] = {
    "channel_deleted": (on_channel_deleted.HEARS, on_channel_deleted.on_channel_deleted),
    "channel_status_changed": (
        on_channel_status_changed.HEARS,
        on_channel_status_changed.on_channel_status_changed,
    ),
}


def working_with(sealing: Sealing) -> WorkOf:
    """Return what makes, of one transaction, what the use cases work with."""

    def work_of(work: UnitOfWork) -> Work:
        async def enter(tenant_id: str) -> None:
            await set_tenants(work.connection, [*work.tenants, tenant_id])

        return Work(
            accounts=AccountsInPostgres(work.connection),
            sign_ins=SignInsInPostgres(work.connection),
            attempts=AttemptsInPostgres(work.connection),
            api_keys=ApiKeysInPostgres(work.connection),
            withdrawals=WithdrawalsInPostgres(work.connection),
            mails=MailsInPostgres(work.connection),
            members=MembersInPostgres(work.connection),
            agents=AgentsInPostgres(work.connection),
            projects=ProjectsInPostgres(work.connection),
            second_factors=SecondFactorsInPostgres(work.connection, sealing),
            announcements=Announcements(work.say, work.new_id, work.now),
            audit=AuditTrail(work),
            enter=enter,
            new_id=work.new_id,
            now=work.now,
        )

    return work_of


def opening(works: Works, work_of: WorkOf) -> OpenWork:
    """Return how a use case opens transactions of its own."""

    @asynccontextmanager
    async def open_work(tenants: Collection[str]) -> AsyncIterator[Work]:
        async with works.begin(tenants) as work:
            yield work_of(work)

    return open_work


def means_of(parts: Parts, settings: Settings, wait: Wait, work_of: WorkOf) -> Means:
    """Return what lasts as long as the process."""
    try:
        access_tokens = SignedAccessTokens(settings.jwt_private_keys, settings.issuer, settings.lifetimes)
    except ValueError as error:
        raise SettingsError(f"JWT_PRIVATE_KEY: {error}") from error
    return Means(
        passwords=Argon2Passwords(LOW if settings.cheap_passwords else FULL),
        access_tokens=access_tokens,
        lifetimes=settings.lifetimes,
        permissions_of=permissions_of,
        open_work=opening(parts.works, work_of),
        wait=wait,
    )


def post_of(settings: MailSettings) -> Post:
    """Return whoever carries mails away."""
    if settings.smtp is not None:
        return SmtpPost(settings.smtp)
    assert settings.folder is not None, "settings ask for one of the two"
    return PostInFolder(settings.folder)


async def build(parts: Parts, variables: Mapping[str, str] = os.environ, wait: Wait = asyncio.sleep) -> Blueprint:
    """Put the service together. `wait` holds back the answers to whoever guesses passwords."""
    settings = read_settings(Environment(variables))
    work_of = working_with(Sealing(settings.sealing_keys))
    means = means_of(parts, settings, wait, work_of)
    mailing = Mailing(post_of(settings.mail), Links(settings.mail.home), means.open_work)

    async def hear_audit(events: Sequence[AnyEvent], work: UnitOfWork) -> None:
        await on_audit_recorded.on_audit_recorded(events, AuditLogInPostgres(work.connection))

    def heard_by(hear: Hear) -> Callable[[Sequence[Event[Any]], UnitOfWork], Awaitable[None]]:
        async def handle(events: Sequence[Event[Any]], work: UnitOfWork) -> None:
            await hear(events, work_of(work))

        return handle

    return Blueprint(
        subscriptions=[
            *(parts.subscription(name, heard, heard_by(hear)) for name, (heard, hear) in HEARD.items()),
            parts.subscription("audit_recorded", on_audit_recorded.HEARS, hear_audit),
        ],
        routes=[
            registration_routes(work_of, means),
            sign_in_routes(work_of, means),
            password_routes(work_of, means),
            second_factor_routes(work_of, means, settings.issuer),
            about_routes(work_of, means),
            api_key_routes(work_of, means, API_KEYS),
            invitation_routes(means),
            project_routes(work_of, PROJECTS, FOUND),
            member_routes(work_of, means, MEMBERS),
            agent_routes(work_of, AGENTS, FOUND_AGENTS),
            virtual_agent_routes(work_of),
            gateway_routes(work_of, means),
            audit_log_routes(AUDIT_LOG),
            key_set_routes(means),
        ],
        roles=[("work", Forgetting(parts.works)), ("work", mailing)],
        gather_s=GATHER_S,
    )
