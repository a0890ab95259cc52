"""An outbound message is queued: store it for its channel's sender."""

from collections.abc import Sequence

from contracts.content import Text, read_content
from contracts.envelope import Event
from contracts.message.send_requested_v1 import MessageSendRequestedV1

from channel_gateway.application.store_sends import store_sends
from channel_gateway.application.work import Work
from channel_gateway.domain.sending import (
    DEFAULT_LIFE,
    NO_ADDRESS,
    NORMAL,
    PRIORITIES,
    SENDABLE,
    Heard,
    Refusal,
    SendRequest,
    not_sendable,
)

HEARS = MessageSendRequestedV1


async def on_message_send_requested(events: Sequence[Event[MessageSendRequestedV1]], work: Work) -> None:
    """Store a batch of requests; raise where content of a known kind cannot be read, so that it is parked alone."""
    await store_sends([request_of(event) for event in events], work)


def request_of(event: Event[MessageSendRequestedV1]) -> SendRequest:
    """Return the request in our own words."""
    asked = event.data
    assert event.projectid is not None, "every message belongs to a project"
    content = read_content(asked.content)
    kind = content.__struct_config__.tag
    assert isinstance(kind, str)
    return SendRequest(
        tenant_id=event.tenantid,
        project_id=event.projectid,
        message_id=asked.message_id,
        channel_id=asked.channel_id,
        chat_key=asked.chat_key,
        external_chat_id=asked.to.external_chat_id,
        phone=asked.to.phone,
        content_type=kind,
        text=content.text if isinstance(content, Text) else None,
        priority=PRIORITIES.index(asked.priority) if asked.priority in PRIORITIES else NORMAL,
        queued_at=asked.queued_at,
        expires_at=asked.expires_at or asked.queued_at + DEFAULT_LIFE,
        heard=heard_of(event),
        reply_to_id=asked.reply_to_provider_id,
        reply_to_ref=asked.reply_to_provider_ref,
        mentions=asked.mentions,
        link_preview=asked.link_preview,
        first_contact=asked.first_contact,
        refusal=_refusal(asked, getattr(content, "kind", kind) if kind == "unsupported" else kind),
    )


def heard_of(event: Event[object]) -> Heard:
    """Return what the events that follow from this one hand on."""
    return Heard(event.id, event.correlationid, event.actor, event.hop, event.traceparent)


def _refusal(asked: MessageSendRequestedV1, kind: str) -> Refusal | None:
    if kind not in SENDABLE:
        return not_sendable(kind)
    return None if asked.to.external_chat_id or asked.to.phone else NO_ADDRESS
