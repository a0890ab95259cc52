"""How a channel is: what its provider says of the session, and whether webhooks flow."""

from collections.abc import Callable, Mapping

from kernel.errors import DomainError
from outbox.work import UnitOfWork
from web.bodies import Answer, Id, PathId, Time
from web.caller import TheCaller
from web.routes import Routes
from web.works import Work

from channel_gateway.application.work import Work as ChannelWork
from channel_gateway.domain.inbound import NewChatLimit
from channel_gateway.domain.provider_session import WAITS_FOR_SCAN


class MeAnswer(Answer):
    """Who we are at the provider."""

    id: str
    push_name: str | None = None


class QuotaAnswer(Answer):
    """How many new chats the provider allows in this cycle. `level` in its words, which ends at CAPPED."""

    level: str
    total: int | None
    used: int | None
    until: Time | None


class RestrictionAnswer(Answer):
    """New chats are refused; answers in open ones go on."""

    kind: str
    until: Time | None
    quota: QuotaAnswer | None


class ChannelStatusAnswer(Answer):
    """`status` is ours, `provider_status` the provider's word. A warning about the quota is no restriction yet."""

    channel_id: Id
    status: str
    status_reason: str | None
    provider_status: str | None
    me: MeAnswer | None
    engine: str | None
    version: str | None
    qr_available: bool
    last_event_at: Time | None
    webhook_age_seconds: int | None
    restriction: RestrictionAnswer | None
    quota: QuotaAnswer | None


def channel_status_routes(work_of: Callable[[UnitOfWork], ChannelWork]) -> Routes:
    """Return the route of a channel's status."""
    routes = Routes("channels")

    @routes.get("/crm/channels/{channel_id}/status", permission="channels.view")
    async def get_channel_status(channel_id: PathId, work: Work, caller: TheCaller) -> ChannelStatusAnswer:
        """Tell how a channel is."""
        row = await work_of(work).sessions.status(caller.tenant_id, channel_id, caller.project_id)
        if row is None:
            raise DomainError("not_found", "there is no such channel")
        quota = _quota(row["limits"].get("message_cap"))
        return ChannelStatusAnswer.of(
            row,
            qr_available=row["provider_status"] == WAITS_FOR_SCAN,
            quota=quota,
            restriction=_restriction(row["limits"], quota),
        )

    return routes


def _restriction(limits: Mapping[str, NewChatLimit], quota: QuotaAnswer | None) -> RestrictionAnswer | None:
    for kind, of_it in (("reach_out_timelock", None), ("message_cap", quota)):
        limit = limits.get(kind)
        if limit is not None and limit.active:
            return RestrictionAnswer(kind=kind, until=limit.until, quota=of_it)
    return None


def _quota(limit: NewChatLimit | None) -> QuotaAnswer | None:
    if limit is None:
        return None
    return QuotaAnswer(level=limit.level or "", total=limit.total, used=limit.used, until=limit.until)
