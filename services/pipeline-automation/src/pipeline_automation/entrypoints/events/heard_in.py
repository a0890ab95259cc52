"""What events tell of, as rules see it."""

from datetime import datetime
from typing import Any

import msgspec
from contracts.contact.created_v1 import ContactCreatedV1
from contracts.contact.entered_pipeline_v1 import ContactEnteredPipelineV1
from contracts.contact.pipeline_status_changed_v1 import ContactPipelineStatusChangedV1
from contracts.envelope import AnyEvent, Event
from contracts.message.received_v1 import MessageReceivedV1
from contracts.session.ended_v1 import SessionEndedV1
from contracts.session.started_v1 import SessionStartedV1

from pipeline_automation.domain.heard import Heard
from pipeline_automation.entrypoints.events.whose import project_of

HISTORY = "history"
"""The origin of what was imported; it triggers nothing."""


class _Said(msgspec.Struct):
    """Any kind of content: what it is, and its words where it has any."""

    type: str
    text: Any = None


_read_said = msgspec.json.Decoder(_Said).decode


def message_received(event: Event[MessageReceivedV1]) -> Heard:
    """Return a message that came in."""
    told = event.data
    said = _read_said(told.content)
    text = said.text if isinstance(said.text, str) else None
    message = {"id": told.message_id, "text": text, "content_type": said.type, "chat_type": told.chat_type}
    return heard(
        event,
        "message.received",
        told.occurred_at,
        {
            "message_id": told.message_id,
            "message_count": told.session_message_number,
            "text": text,
            "content_type": said.type,
            "chat_type": told.chat_type,
            "contact_id": told.contact_id,
            "session_id": told.session_id,
            "channel_id": told.channel_id,
            "is_new_contact": told.is_new_contact,
        },
        contact_id=told.contact_id,
        contact_name=told.contact_name,
        session_id=told.session_id,
        chat_key=told.chat_key,
        channel_id=told.channel_id,
        message=message,
        channel={"type": told.channel_type},
        session={
            "status": "active" if told.session_id else None,
            "message_count": told.session_message_number,
            "assigned_agent_id": told.assigned_agent_id,
        },
    )


def session_started(event: Event[SessionStartedV1]) -> Heard:
    """Return an attendance that began."""
    told = event.data
    return heard(
        event,
        "session.started",
        told.started_at,
        {
            "session_id": told.session_id,
            "contact_id": told.contact_id,
            "channel_id": told.channel_id,
            "pipeline_id": told.pipeline_id,
        },
        contact_id=told.contact_id,
        session_id=told.session_id,
        chat_key=told.chat_key,
        channel_id=told.channel_id,
        channel={"type": told.channel_type},
        session={"status": "active", "duration_minutes": 0, "resolved": False, "escalated": False},
    )


def session_ended(event: Event[SessionEndedV1]) -> Heard:
    """Return an attendance that ended. Its time is the end itself, however late that was noticed."""
    told = event.data
    minutes = told.duration_seconds // 60
    return heard(
        event,
        "session.ended",
        told.ended_at,
        {
            "session_id": told.session_id,
            "contact_id": told.contact_id,
            "channel_id": told.channel_id,
            "pipeline_id": told.pipeline_id,
            "session_duration_minutes": minutes,
            "message_count": told.metrics.total_messages,
            "resolved": told.resolved,
            "end_reason": told.end_reason,
            "ended_unanswered": told.ended_unanswered,
        },
        contact_id=told.contact_id,
        session_id=told.session_id,
        chat_key=told.chat_key,
        channel_id=told.channel_id,
        channel={"type": told.channel_type},
        session={
            "status": "ended",
            "message_count": told.metrics.total_messages,
            "duration_minutes": minutes,
            "assigned_agent_id": told.assigned_agent_id,
            "resolved": told.resolved,
            "escalated": told.escalated,
        },
    )


def contact_created(event: Event[ContactCreatedV1]) -> Heard:
    """Return somebody who was met."""
    told = event.data
    return heard(
        event,
        "contact.created",
        told.created_at,
        {"contact_id": told.contact_id, "origin": told.origin, "source_channel": told.source_channel},
        contact_id=told.contact_id,
        contact_name=told.name,
    )


def contact_entered_pipeline(event: Event[ContactEnteredPipelineV1]) -> Heard:
    """Return a contact that was placed."""
    told = event.data
    return heard(
        event,
        "contact.entered_pipeline",
        told.at,
        {"contact_id": told.contact_id, "pipeline_id": told.pipeline_id, "status_id": told.status_id},
        contact_id=told.contact_id,
    )


def contact_status_changed(event: Event[ContactPipelineStatusChangedV1]) -> Heard:
    """Return a contact that moved."""
    told = event.data
    return heard(
        event,
        "status.changed",
        told.changed_at,
        {
            "contact_id": told.contact_id,
            "pipeline_id": told.pipeline_id,
            "old_status_id": told.previous_status_id,
            "new_status_id": told.new_status_id,
        },
        contact_id=told.contact_id,
    )


def heard(event: AnyEvent, trigger: str, at: datetime, parameters: dict[str, Any] | None = None, **more: Any) -> Heard:
    """Return an event as rules see it, with what its envelope says."""
    tenant_id, project_id = project_of(event)
    return Heard(
        tenant_id=tenant_id,
        project_id=project_id,
        event_id=event.id,
        trigger=trigger,
        occurred_at=at,
        actor=event.actor,
        hop=event.hop,
        correlation_id=event.correlationid,
        traceparent=event.traceparent,
        parameters=parameters or {},
        **more,
    )
