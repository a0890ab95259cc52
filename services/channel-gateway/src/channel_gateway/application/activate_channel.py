"""A person wants a channel to work, or to rest. The provider is asked afterwards: a row says what is due."""

from kernel.cause import Cause
from kernel.errors import DomainError

from channel_gateway.application.change_channel import the_channel
from channel_gateway.application.work import Row, Work
from channel_gateway.domain.provider_session import ProviderSession


async def activate_channel(
    channel_id: str, *, project_id: str | None, verify_webhook: bool, by: Cause, work: Work
) -> Row:
    """Note that a channel is to work. Raises not_found, or invalid_state for one that does."""
    row = await the_channel(channel_id, project_id, None, by, work)
    if row["status"] == "active":
        raise DomainError("invalid_state", "the channel is active already", current_state="active")
    before = await _session_of(channel_id, by, work)
    after = before.ask(work.now)
    if after is not before:
        await work.sessions.keep([after])
        work.announcements.session_found(before, after, by)
    await work.checks.ask((by.tenant_id, channel_id), "activate", by, verify_webhook=verify_webhook)
    work.announcements.activation_requested(row, by)
    return await _present(channel_id, by, work)


async def deactivate_channel(channel_id: str, *, project_id: str | None, by: Cause, work: Work) -> Row:
    """Let a channel rest: its session is stopped, and what waits in it is not sent. Raises not_found, invalid_state."""
    row = await the_channel(channel_id, project_id, None, by, work)
    if row["status"] == "inactive":
        raise DomainError("invalid_state", "the channel is inactive already", current_state="inactive")
    before = await _session_of(channel_id, by, work)
    after = before.rest(work.now)
    await work.sessions.keep([after])
    work.announcements.session_found(before, after, by)
    await work.checks.ask((by.tenant_id, channel_id), "stop", by)
    await work.sending.senders.refuse_earlier((by.tenant_id, channel_id))
    return await _present(channel_id, by, work)


async def _session_of(channel_id: str, by: Cause, work: Work) -> ProviderSession:
    key = (by.tenant_id, channel_id)
    return (await work.sessions.for_change({key}))[key]


async def _present(channel_id: str, by: Cause, work: Work) -> Row:
    row = await work.channels.get(by.tenant_id, channel_id, None)
    assert row is not None
    return row
