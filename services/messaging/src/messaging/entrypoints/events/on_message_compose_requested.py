"""Another service wants to speak."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.message.compose_requested_v1 import MessageComposeRequestedV1

from messaging.application.compose_messages import compose_messages
from messaging.application.work import Work
from messaging.domain.wish import PRIORITIES, Wish
from messaging.entrypoints.events.followed import project_of
from messaging.entrypoints.events.stored_content import content_of

HEARS = MessageComposeRequestedV1


async def on_message_compose_requested(events: Sequence[Event[MessageComposeRequestedV1]], work: Work) -> None:
    """Queue a batch of wishes, or keep them as failed."""
    await compose_messages([wish_of(event) for event in events], work)


def wish_of(event: Event[MessageComposeRequestedV1]) -> Wish:
    """Return the wish in messaging's own words; raise msgspec.ValidationError for a known kind with bad content."""
    heard = event.data
    return Wish(
        tenant_id=event.tenantid,
        project_id=project_of(event),
        message_id=heard.message_id,
        content=content_of(heard.content),
        sender_kind=heard.sender.kind,
        sender_id=heard.sender.id,
        source=heard.source,
        cause=event,
        purpose=heard.purpose,
        priority=heard.priority if heard.priority in PRIORITIES else "normal",
        chat_key=heard.chat_key,
        contact_id=heard.contact_id,
        channel_id=heard.channel_id,
        external_chat_id=heard.to.external_chat_id if heard.to else None,
        phone=heard.to.phone if heard.to else None,
        reply_to_message_id=heard.reply_to_message_id,
        session_id=heard.session_id,
        expires_at=heard.expires_at,
        mentions=heard.mentions,
        simulate_typing=heard.simulate_typing,
        origin_ref=heard.origin_ref,
    )
