"""Connect a number to a project: the channel, its address for webhooks and the key that signs them."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.cause import Cause
from kernel.errors import DomainError

from channel_gateway.application.work import Row, Work
from channel_gateway.domain.channel import NEW_SESSION, check_settings, session_name_for

WEBHOOK_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the provider is. `base_url` was checked; `secret` is its API key."""

    base_url: str
    session: str | None
    secret: str
    import_strategy: str


async def connect_channel(
    settings: Mapping[str, Any], connection: Connection, *, project_id: str, by: Cause, work: Work
) -> tuple[Row, str]:
    """Return the new channel and its webhook key, which is never shown again. Raises already_exists."""
    check_settings(settings)
    channel_id = work.new_id()
    session = connection.session
    if session is None or session == NEW_SESSION:
        session = session_name_for(channel_id)
    holder = await work.channels.holding(by.tenant_id, connection.base_url, session)
    if holder is not None:
        raise already_connected(holder)
    webhook_key = secrets.token_hex(WEBHOOK_KEY_BYTES)
    row = await work.channels.keep(
        {
            **settings,
            "tenant_id": by.tenant_id,
            "id": channel_id,
            "project_id": project_id,
            "created_by": by.actor,
            "base_url": connection.base_url,
            "provider_session": session,
            "import_strategy": connection.import_strategy,
            "credential_id": await work.credentials.keep(
                by.tenant_id, project_id, "waha_instance", f"channel {channel_id}", connection.secret
            ),
            # Random throughout, unlike our other ids: it must not be guessed.
            "webhook_id": str(uuid.uuid4()),
            "webhook_credential_id": await work.credentials.keep(
                by.tenant_id, project_id, "webhook_auth", f"channel {channel_id} webhook", webhook_key
            ),
        }
    )
    work.announcements.created(row, by)
    return row, webhook_key


def already_connected(holder: str) -> DomainError:
    """Return the refusal of a second channel at one provider session."""
    return DomainError("already_exists", "a channel is connected to that session of that provider", existing_id=holder)
