"""From what others tell of their things to what messaging keeps of it."""

from collections.abc import Iterator
from typing import Any

from contracts.channel.created_v1 import ChannelCreatedV1
from contracts.channel.updated_v1 import ChannelUpdatedV1
from contracts.contact.created_v1 import ContactCreatedV1
from contracts.contact.updated_v1 import ContactUpdatedV1
from contracts.envelope import AnyEvent, Event

from messaging.domain.projected import ChannelNews, ChannelStatus, ContactLife, ContactNews, LinkedHandle, SessionNews


def project_of(event: AnyEvent) -> str:
    """Return the project in which it happened."""
    assert event.projectid is not None, "channels, contacts and sessions belong to a project"
    return event.projectid


def channel_news(event: Event[ChannelCreatedV1] | Event[ChannelUpdatedV1]) -> ChannelNews:
    """Return what a channel is like."""
    heard = event.data
    return ChannelNews(
        event.tenantid,
        heard.channel_id,
        project_of(event),
        heard.version,
        heard.type,
        heard.name,
        heard.messaging_window_hours,
    )


def channel_status(event: Event[Any], status: str) -> ChannelStatus:
    """Return whether a channel works."""
    return ChannelStatus(event.tenantid, event.data.channel_id, project_of(event), event.data.version, status)


def contact_news(event: Event[ContactCreatedV1] | Event[ContactUpdatedV1]) -> ContactNews:
    """Return what a contact is like."""
    heard = event.data
    return ContactNews(
        event.tenantid, heard.contact_id, project_of(event), heard.version, heard.name, heard.phone, heard.opted_out
    )


def contact_life(event: Event[Any], *, deleted: bool) -> ContactLife:
    """Return whether a contact is deleted."""
    return ContactLife(event.tenantid, event.data.contact_id, project_of(event), event.data.version, deleted)


def handles_of(event: Event[ContactCreatedV1] | Event[ContactUpdatedV1]) -> Iterator[LinkedHandle]:
    """Yield where a contact is known."""
    for each in event.data.identities:
        yield LinkedHandle(event.tenantid, event.data.contact_id, each.channel_id, each.kind, each.value, event.time)


def session_news(event: Event[Any], at: Any) -> SessionNews:
    """Return the session that began or ended."""
    return SessionNews(event.tenantid, event.data.session_id, project_of(event), event.data.chat_key, at)
