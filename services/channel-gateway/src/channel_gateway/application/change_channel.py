"""Change a channel's settings, or where its provider is."""

from collections.abc import Mapping
from typing import Any

from kernel.cause import Cause
from kernel.errors import DomainError

from channel_gateway.application.connect_channel import already_connected
from channel_gateway.application.work import Row, Work
from channel_gateway.domain.channel import check_settings


async def change_channel(
    channel_id: str,
    changes: Mapping[str, Any],
    new_secret: str | None,
    *,
    project_id: str | None,
    expected_version: int | None,
    by: Cause,
    work: Work,
) -> Row:
    """Return the channel as it is now. What says the same as before changes nothing and is not announced.

    Raises not_found, version_conflict, rule_violated, already_exists.
    """
    row = await the_channel(channel_id, project_id, expected_version, by, work)
    changed = {name: value for name, value in changes.items() if _differs(row[name], value)}
    if not changed and new_secret is None:
        return row
    check_settings({**row, **changed})
    if "base_url" in changed or "provider_session" in changed:
        wanted = {**row, **changed}
        holder = await work.channels.holding(by.tenant_id, wanted["base_url"], wanted["provider_session"])
        if holder is not None and holder != str(row["id"]):
            raise already_connected(holder)
    if new_secret is not None:
        await work.credentials.replace(by.tenant_id, str(row["credential_id"]), new_secret)
    present = await work.channels.change(by.tenant_id, channel_id, changed)
    work.announcements.updated(present, sorted((*changed, *(("credential",) if new_secret is not None else ()))), by)
    return present


async def the_channel(
    channel_id: str, project_id: str | None, expected_version: int | None, by: Cause, work: Work
) -> Row:
    """Return a channel that is about to be changed. Raises not_found or version_conflict."""
    row = await work.channels.get_for_change(by.tenant_id, channel_id, project_id)
    if row is None:
        raise DomainError("not_found", "there is no such channel")
    if expected_version is not None and expected_version != row["version"]:
        raise DomainError("version_conflict", "it has changed meanwhile", current_version=row["version"])
    return row


def _differs(present: Any, wanted: Any) -> bool:
    """Ids come as UUIDs from the database and as texts from outside."""
    if isinstance(wanted, str) and present is not None:
        return str(present) != wanted
    return bool(present != wanted)
