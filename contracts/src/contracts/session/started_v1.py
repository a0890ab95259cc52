"""session.started.v1: an attendance began."""

from typing import ClassVar

from contracts.fields import Moment, Wire


class SessionStartedV1(Wire, kw_only=True):
    """One open session per chat."""

    TYPE: ClassVar[str] = "session.started.v1"
    PUBLIC: ClassVar[str | None] = "sessions"

    session_id: str
    contact_id: str
    chat_key: str
    channel_id: str
    channel_type: str
    origin: str
    timeout_minutes: int
    started_at: Moment
    pipeline_id: str | None = None
