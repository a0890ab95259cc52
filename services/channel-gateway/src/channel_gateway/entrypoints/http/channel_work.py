"""What a channel is told to do: work, rest, let its provider know our webhook; and the sends that go through it.

Providers are called by these routes at most once, and never inside a transaction.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from kernel.errors import DomainError
from postgres.listing import Listing
from web.auditing import TheTrail
from web.bodies import Answer, Body, Id, PathId, Time
from web.caller import TheCaller
from web.paging import AnyOf, ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from channel_gateway.application.activate_channel import activate_channel as activate
from channel_gateway.application.activate_channel import deactivate_channel as deactivate
from channel_gateway.application.configure_webhook import configure_webhook as configure
from channel_gateway.application.messenger import ProviderSessions
from channel_gateway.application.work import Begin
from channel_gateway.application.work import Work as ChannelWork
from channel_gateway.entrypoints.http.channels import Surroundings
from channel_gateway.entrypoints.http.schemas import ChannelAnswer

SEND_STATES = ("pending", "sending", "accepted", "rejected", "unknown")


class Activation(Body):
    """`verify_webhook`: a session that is opened, configured or started has to call our webhook within 10 s."""

    verify_webhook: bool = True


class ActivationAnswer(Answer):
    """It was noted; read the channel to see what becomes of it."""

    channel_id: Id
    status: str
    correlation_id: str


class ConfiguredWebhookAnswer(Answer):
    """Where the provider sends its webhooks from now on."""

    channel_id: Id
    channel_name: str
    webhook_url: str
    configured_at: Time


class SendAnswer(Answer):
    """One send, without what it says. `evidence` tells how it is known that it left; `last_error` why not, or not yet."""

    message_id: Id
    state: str
    priority: str
    attempts: int
    queued_at: Time
    expires_at: Time
    sending_at: Time | None
    unknown_since: Time | None
    ended_at: Time | None
    evidence: str | None
    failure_code: str | None
    last_error: str | None
    provider_message_id: str | None


@dataclass(frozen=True)
class Providers:
    """What these routes need beyond the surroundings of all channel routes."""

    sessions: ProviderSessions
    begin: Begin
    sends: Listing


def channel_work_routes(around: Surroundings, providers: Providers) -> Routes:
    """Return the routes."""
    routes = Routes("channels")

    @routes.post("/crm/channels/{channel_id}/activate", permission="channels.manage", status=202)
    async def activate_channel(
        channel_id: PathId, work: Work, caller: TheCaller, body: Activation | None = None
    ) -> ActivationAnswer:
        """Let a channel work: its provider's session is opened, configured and started in the background."""
        row = await activate(
            channel_id,
            project_id=caller.project_id,
            verify_webhook=(body or Activation()).verify_webhook,
            by=caller.cause,
            work=around.work_of(work),
        )
        return ActivationAnswer(channel_id=channel_id, status=row["status"], correlation_id=caller.correlation_id)

    @routes.post("/crm/channels/{channel_id}/deactivate", permission="channels.manage")
    async def deactivate_channel(channel_id: PathId, work: Work, caller: TheCaller) -> ChannelAnswer:
        """Let a channel rest: its session is stopped, its pairing stays, and what waits in it is not sent."""
        row = await deactivate(channel_id, project_id=caller.project_id, by=caller.cause, work=around.work_of(work))
        return around.answer(row)

    @routes.post("/crm/channels/{channel_id}/configure-webhook", permission="channels.manage")
    async def configure_webhook(channel_id: PathId, caller: TheCaller, trail: TheTrail) -> ConfiguredWebhookAnswer:
        """Write webhook, key and retries into the provider's session. A session that runs is restarted by it."""

        @asynccontextmanager
        async def begin_writing(tenants: Iterable[str]) -> AsyncIterator[ChannelWork]:
            async with around.works.begin(tenants, caller.projects) as work, trail.around(work):
                yield around.work_of(work)

        row = await configure(
            channel_id,
            project_id=caller.project_id,
            by=caller.cause,
            sessions=providers.sessions,
            begin=providers.begin,
            begin_writing=begin_writing,
        )
        return ConfiguredWebhookAnswer(
            channel_id=channel_id,
            channel_name=row["name"],
            webhook_url=around.webhook_url(row),
            configured_at=row["webhook_configured_at"],
        )

    @routes.get("/crm/channels/{channel_id}/sends", permission="channels.manage")
    async def list_sends(
        channel_id: PathId,
        work: Work,
        caller: TheCaller,
        page: Annotated[Paging, paging(providers.sends, sort="-created_at")],
        state: Annotated[list[str] | None, Query(), AnyOf(*SEND_STATES)] = None,
    ) -> ListAnswer[SendAnswer]:
        """List a channel's sends of the last 30 days, newest first: what waits, what failed, what nobody knows of."""
        row = await around.work_of(work).channels.get(caller.tenant_id, channel_id, caller.project_id)
        if row is None:
            raise DomainError("not_found", "there is no such channel")
        return await page.answer(
            work.connection, caller.tenant_id, channel_id, wanted={"state": state}, item=SendAnswer.of
        )

    return routes
