"""What session says: the only file that builds its contract events."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from contracts.envelope import AnyEvent, asked_event, caused_event
from contracts.session.ended_v1 import SessionEndedV1
from contracts.session.message_recorded_v1 import SessionMessageRecordedV1
from contracts.session.metrics import SessionMetrics
from contracts.session.started_v1 import SessionStartedV1
from kernel.cause import Cause
from msgspec.structs import asdict

from session.domain.attendance import Message, Session, response_seconds
from session.domain.open_sessions import ENDED_BY, Place

SOURCE = "session"

Row = Mapping[str, Any]


class Announcements:
    """Says events of one transaction."""

    def __init__(self, say: Callable[..., None], new_id: Callable[[], str], now: datetime) -> None:
        self._say = say
        self._new_id = new_id
        self._now = now

    def started(self, session: Session, message: Message) -> None:
        """A message opened a session."""
        data = SessionStartedV1(
            session_id=session.id,
            contact_id=session.contact_id,
            chat_key=session.chat_key,
            channel_id=session.channel_id,
            channel_type=session.channel_type,
            origin="inbound",
            timeout_minutes=session.timeout_minutes,
            started_at=session.started_at,
            pipeline_id=session.pipeline_id,
        )
        self._follow(message.heard, data, subject=session.id, key=session.chat_key)

    def timed_out(self, session: Session, message: Message) -> None:
        """A message came after the deadline of the session that was open."""
        self._follow(message.heard, _ended(session), subject=session.id, key=session.chat_key)

    def reached_its_deadline(self, session: Session) -> None:
        """Nobody said anything any more."""
        cause = Cause(tenant_id=session.tenant_id, actor=ENDED_BY, correlation_id=self._new_id())
        self._answer(cause, _ended(session), session.project_id)

    def message_recorded(self, message: Message, place: Place) -> None:
        """The message as heard, plus the session that it belongs to, if any."""
        session = place.session
        data = SessionMessageRecordedV1(
            **asdict(message.heard.data),
            session_id=session.id if session else None,
            session_started=place.started,
            session_message_number=place.number,
            pipeline_id=session.pipeline_id if session else message.pipeline_id,
        )
        self._follow(message.heard, data, subject=session.id if session else message.channel_id, key=message.chat_key)

    def closed(self, row: Row, by: Cause) -> None:
        """A person or program ended a session."""
        data = SessionEndedV1(
            session_id=str(row["id"]),
            contact_id=str(row["contact_id"]),
            chat_key=row["chat_key"],
            chat_id=str(row["chat_id"]) if row["chat_id"] else None,
            channel_id=str(row["channel_id"]),
            channel_type=row["channel_type"],
            pipeline_id=str(row["pipeline_id"]) if row["pipeline_id"] else None,
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            end_reason=row["end_reason"],
            ended_by=row["ended_by"],
            duration_seconds=row["duration_seconds"],
            resolved=row["resolved"],
            escalated=row["escalated"],
            metrics=SessionMetrics(
                total_messages=row["message_count"],
                inbound_messages=row["messages_from_contact"],
                outbound_messages=row["messages_from_agent"],
                first_message_at=row["first_message_at"],
                last_message_at=row["last_message_at"],
                first_response_seconds=row["agent_response_time_seconds"],
                wait_seconds=row["contact_wait_time_seconds"],
            ),
        )
        self._answer(by, data, str(row["project_id"]))

    def _answer(self, cause: Cause, data: SessionEndedV1, project_id: str) -> None:
        self._say(
            asked_event(
                cause,
                data,
                id=self._new_id(),
                source=SOURCE,
                subject=data.session_id,
                time=self._now,
                project_id=project_id,
                partition_key=data.chat_key,
            )
        )

    def _follow(self, heard: AnyEvent, data: Any, *, subject: str, key: str) -> None:
        self._say(
            caused_event(
                heard, data, id=self._new_id(), source=SOURCE, subject=subject, time=self._now, partition_key=key
            )
        )


def _ended(session: Session) -> SessionEndedV1:
    assert session.ended_at is not None and session.end_reason is not None, "it has ended"
    return SessionEndedV1(
        session_id=session.id,
        contact_id=session.contact_id,
        chat_key=session.chat_key,
        chat_id=session.chat_id,
        channel_id=session.channel_id,
        channel_type=session.channel_type,
        pipeline_id=session.pipeline_id,
        started_at=session.started_at,
        ended_at=session.ended_at,
        end_reason=session.end_reason,
        ended_by=session.ended_by,
        ended_unanswered=session.ended_unanswered,
        duration_seconds=_seconds(session.ended_at - session.started_at),
        metrics=SessionMetrics(
            total_messages=session.message_count,
            inbound_messages=session.messages_from_contact,
            outbound_messages=session.messages_from_agent,
            first_message_at=session.first_message_at,
            last_message_at=session.last_message_at,
            first_response_seconds=response_seconds(session.first_contact_message_at, session.first_agent_response_at),
            wait_seconds=session.talk.waited_ms // 1000,
        ),
    )


def _seconds(duration: timedelta) -> int:
    return duration // timedelta(seconds=1)
