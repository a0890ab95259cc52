"""What sessions look like over HTTP. Parts of the product that come later answer as empty."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from web.bodies import Answer, Body, Id, Time


class Close(Body):
    """Why a session ends. `agent_closed` is stored as `agent_close`."""

    reason: Literal[
        "resolved", "transferred", "escalated", "agent_closed", "agent_close", "contact_request", "manual_close"
    ]
    notes: Annotated[str, Field(max_length=10_000)] | None = None


class Csat(Answer):
    """What the customer thought of it."""

    score: int
    comment: str | None
    source: str
    at: Time


class SessionAnswer(Answer):
    """A session, whole."""

    audited = ("status", "end_reason", "ended_at", "resolved", "escalated", "assigned_agent_id")

    id: Id
    tenant_id: Id
    project_id: Id
    version: int
    created_at: Time
    updated_at: Time
    contact_id: Id
    channel_id: Id
    channel_type: str
    chat_id: Id | None
    pipeline_id: Id | None
    status: str
    end_reason: str | None
    started_at: Time
    ended_at: Time | None
    timeout_minutes: int
    timeout_at: Time | None
    last_activity_at: Time
    message_count: int
    messages_from_contact: int
    messages_from_agent: int
    unread_count: int
    duration_seconds: int | None
    assigned_agent_id: Id | None = None
    queue_id: Id | None = None
    agent_ids: list[Id] = []
    agent_transfers: int = 0
    first_contact_message_at: Time | None
    first_agent_response_at: Time | None
    agent_response_time_seconds: int | None
    contact_wait_time_seconds: int | None
    waiting_seconds: int | None
    summary: str | None = None
    sentiment: str | None = None
    sentiment_score: float | None = None
    topics: list[str] = []
    next_steps: list[str] = []
    key_entities: dict[str, Any] = {}
    resolved: bool
    escalated: bool
    converted: bool = False
    outcome_tags: list[str] = []
    csat: Csat | None = None
    reopened_count: int = 0


def session_answer(row: Mapping[str, Any]) -> SessionAnswer:
    """Return the answer for a session's row; only an open session has a deadline."""
    return SessionAnswer.of(row, timeout_at=row["timeout_at"] if row["status"] == "active" else None)
