"""A channel as the webhook door sees it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ChannelBehaviour:
    """What the later rooms of the line are told of a channel with each message."""

    pipeline_id: str | None
    default_session_timeout_minutes: int | None
    tracking_enabled: bool
    ai_agents_enabled: bool
    debounce_timeout_ms: int
    default_agent_id: str | None


@dataclass(frozen=True, slots=True)
class ReceivingChannel:
    """`keys` are those that may sign its webhooks: two while one is being replaced. `engine` may be unknown."""

    tenant_id: str
    project_id: str
    id: str
    webhook_id: str
    type: str
    session: str
    engine: str | None
    allow_groups: bool
    behaviour: ChannelBehaviour
    keys: tuple[bytes, ...] = field(default=(), repr=False)
