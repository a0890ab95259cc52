"""channel.created.v1: a channel was connected to the project."""

from typing import ClassVar

from contracts.fields import PersonalText, Wire


class ChannelCreatedV1(Wire, kw_only=True):
    """Snapshot without any secret."""

    TYPE: ClassVar[str] = "channel.created.v1"
    PUBLIC: ClassVar[str | None] = "channels"

    channel_id: str
    name: str
    type: str
    status: str
    allow_groups: bool
    tracking_enabled: bool
    ai_enabled: bool
    ai_agents_enabled: bool
    debounce_timeout_ms: int
    version: int
    external_id: PersonalText | None = None
    pipeline_id: str | None = None
    default_session_timeout_minutes: int | None = None
    default_agent_id: str | None = None
    messaging_window_hours: int | None = None
