"""session.ended.v1: an attendance ended, for whatever reason."""

from typing import ClassVar

from contracts.fields import Moment, Wire
from contracts.session.metrics import SessionMetrics


class SessionEndedV1(Wire, kw_only=True):
    """`ended_at` of a timeout is the deadline, however late the end was noticed."""

    TYPE: ClassVar[str] = "session.ended.v1"
    PUBLIC: ClassVar[str | None] = "sessions"

    session_id: str
    contact_id: str
    chat_key: str
    channel_id: str
    channel_type: str
    started_at: Moment
    ended_at: Moment
    end_reason: str
    duration_seconds: int
    metrics: SessionMetrics
    resolved: bool = False
    escalated: bool = False
    converted: bool = False
    ended_unanswered: bool = False
    agent_transfers: int = 0
    agent_ids: tuple[str, ...] = ()
    outcome_tags: tuple[str, ...] = ()
    chat_id: str | None = None
    pipeline_id: str | None = None
    assigned_agent_id: str | None = None
    last_message_id: str | None = None
    trigger_message_id: str | None = None
    ended_by: str | None = None
