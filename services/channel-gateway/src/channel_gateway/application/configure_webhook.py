"""Write our webhook, its key and its retries into the provider's session, keeping its other settings."""

from kernel.cause import Cause
from kernel.errors import DomainError

from channel_gateway.application.change_channel import the_channel
from channel_gateway.application.messenger import CallFailed, ProviderSessions
from channel_gateway.application.work import Begin, Row
from channel_gateway.domain.send_outcomes import outcome_of


async def configure_webhook(
    channel_id: str,
    *,
    project_id: str | None,
    by: Cause,
    sessions: ProviderSessions,
    begin: Begin,
    begin_writing: Begin,
) -> Row:
    """Return the channel as it is then; only what `begin_writing` opens changes something.

    Raises not_found, or provider_error where the provider refuses or is away.
    """
    async with begin([by.tenant_id]) as work:
        await the_channel(channel_id, project_id, None, by, work)
        server, webhook = await work.checks.around((by.tenant_id, channel_id))
    try:
        session = await sessions.session(server)
        if session is None:
            raise DomainError("provider_error", "the provider has no such session: activate the channel")
        await sessions.configure(server, session, webhook)
    except CallFailed as failed:
        raise DomainError("provider_error", outcome_of(failed.answer).reason) from None
    async with begin_writing([by.tenant_id]) as work:
        await the_channel(channel_id, project_id, None, by, work)
        changes = {"webhook_configured_at": work.now, "webhook_active": True}
        row = await work.channels.change(by.tenant_id, channel_id, changes)
        work.announcements.updated(row, ["webhook"], by)
    return row
