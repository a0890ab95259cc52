"""Remove a channel: its webhook answers nobody any more and its secrets are destroyed."""

from kernel.cause import Cause

from channel_gateway.application.change_channel import the_channel
from channel_gateway.application.work import Work


async def remove_channel(
    channel_id: str, *, project_id: str | None, expected_version: int | None, by: Cause, work: Work
) -> None:
    """Raises not_found or version_conflict."""
    row = await the_channel(channel_id, project_id, expected_version, by, work)
    await work.channels.remove(by.tenant_id, channel_id)
    held = [str(row[name]) for name in ("credential_id", "webhook_credential_id") if row[name] is not None]
    await work.credentials.forget(by.tenant_id, held)
    await work.sending.senders.refuse_earlier((by.tenant_id, channel_id))
    work.announcements.deleted(row, by)
