"""What channels and deliveries look like over HTTP."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from web.bodies import Answer, Body, Id, Time

from channel_gateway.domain.channel import DEFAULT_AI_CONTENT, DEFAULT_PACE, NEW_SESSION

Row = Mapping[str, Any]

Name = Annotated[str, Field(min_length=1, max_length=100)]
Secret = Annotated[str, Field(min_length=1, max_length=1000)]
Address = Annotated[str, Field(min_length=1, max_length=4096)]
SessionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,54}$")]
Minutes = Annotated[int, Field(ge=1, le=1440)]
Debounce = Annotated[int, Field(ge=0, le=300_000)]
Hours = Annotated[int, Field(ge=1, le=168)]
Positive = Annotated[int, Field(ge=1, le=1_000_000)]
ImportStrategy = Literal["none", "new_only", "all"]
ChannelType = Literal[
    "waha",
    "whatsapp_business",
    "whatsapp",
    "messenger",
    "instagram",
    "telegram",
    "wechat",
    "twilio_sms",
    "web_form",
]
ContentKind = Literal["text", "audio", "voice", "image", "video", "document"]


class Pace(Body):
    """How sends of this number are spread; what is left out keeps its default."""

    messages_per_minute: Annotated[int, Field(ge=1, le=600)] = 20
    burst: Annotated[int, Field(ge=1, le=100)] = 5
    jitter_percent: Annotated[int, Field(ge=0, le=100)] = 40
    new_chats_per_day: Annotated[int, Field(ge=0, le=100_000)] = 50
    warm_up: bool = True
    quiet_hours: Annotated[
        list[Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")]], Field(max_length=7)
    ] = []
    bulk_share_percent: Annotated[int, Field(ge=0, le=100)] = 50


class AiContent(Body):
    """How one kind of content is read by machines; what is left out keeps its default."""

    enabled: bool = True
    provider: Annotated[str, Field(min_length=1, max_length=50)] = ""
    model: Annotated[str, Field(max_length=100)] | None = None
    priority: Annotated[int, Field(ge=1, le=10)] = 5
    debounce_ms: Debounce = 0
    max_size_bytes: Annotated[int, Field(ge=1, le=1_000_000_000)] = 1
    split_long_audio: bool = False
    silence_threshold: Annotated[float, Field(ge=0, le=1)] | None = None


class WahaConfig(Body):
    """Where the WAHA server is. The key is kept encrypted and never shown."""

    base_url: Address
    api_key: Secret | None = None
    token: Secret | None = None
    session_id: SessionName = NEW_SESSION
    import_strategy: ImportStrategy = "none"


class WahaConfigChange(Body):
    """A partial change of where the WAHA server is."""

    base_url: Address = ""
    api_key: Secret = ""
    token: Secret = ""
    session_id: SessionName = ""
    import_strategy: ImportStrategy = "none"


class Settings(Body):
    """What a channel can be told, on creating and on changing it."""

    default_session_timeout_minutes: Minutes | None = None
    session_timeout_minutes: Annotated[
        Minutes | None, Field(description="another name of default_session_timeout_minutes")
    ] = None
    pipeline_id: Id | None = None
    default_agent_id: Id | None = None
    allow_groups: bool = False
    tracking_enabled: bool = True
    ai_enabled: bool = False
    ai_agents_enabled: bool = False
    debounce_timeout_ms: Debounce = 15_000
    messaging_window_hours: Hours | None = None
    pace: Pace = Field(default_factory=Pace)
    ai_content: dict[ContentKind, AiContent] = Field(default_factory=dict)
    history_import_enabled: bool = False
    history_import_max_days: Positive | None = None
    history_import_max_messages_per_chat: Positive | None = None


class NewChannel(Settings):
    """A channel to be connected."""

    name: Name
    type: ChannelType
    project_id: Id | None = None
    waha_config: WahaConfig | None = None
    whatsapp_config: dict[str, Any] | None = None
    telegram_config: dict[str, Any] | None = None


class ChannelChange(Settings):
    """A partial change: absent means unchanged, null clears."""

    name: Name = ""
    waha_config: WahaConfigChange = Field(default_factory=WahaConfigChange)


class WahaConfigAnswer(Answer):
    """Where the WAHA server is, without its key."""

    base_url: str
    session_id: str
    api_key_set: bool


class ImportStats(Answer):
    """How far the last import of history came."""

    total: int = 0
    processed: int = 0
    failed: int = 0
    started_at: Time | None = None
    ended_at: Time | None = None


class ChannelAnswer(Answer):
    """A channel. No key, token or secret is ever in here."""

    audited = (
        "name", "type", "status", "waha_config", "connection_mode", "pipeline_id", "default_agent_id", "default_session_timeout_minutes",
        "ai_enabled", "ai_agents_enabled", "allow_groups", "tracking_enabled", "debounce_timeout_ms", "messaging_window_hours", "pace",
        "ai_content", "history_import_enabled", "history_import_max_days", "history_import_max_messages_per_chat",
        "webhook_configured_at", "webhook_active", "deleted_at",
    )  # fmt: skip

    id: Id
    tenant_id: Id
    project_id: Id
    version: int
    created_at: Time
    updated_at: Time
    deleted_at: Time | None
    name: str
    type: str
    status: str
    external_id: str | None
    phone: str | None
    waha_config: WahaConfigAnswer
    webhook_id: Id
    webhook_url: str
    webhook_configured_at: Time | None
    webhook_active: bool
    connection_mode: str
    pipeline_id: Id | None
    default_agent_id: Id | None
    default_session_timeout_minutes: int | None
    ai_enabled: bool
    ai_agents_enabled: bool
    allow_groups: bool
    tracking_enabled: bool
    debounce_timeout_ms: int
    messaging_window_hours: int | None
    pace: dict[str, Any]
    ai_content: dict[str, Any]
    messages_received: int
    messages_sent: int
    last_message_at: Time | None
    last_error_at: Time | None
    last_error: str | None
    history_import_enabled: bool
    history_import_max_days: int | None
    history_import_max_messages_per_chat: int | None
    last_import_date: Time | None
    history_import_status: str
    history_import_stats: ImportStats
    created_by: str


class ConnectedChannel(ChannelAnswer):
    """A new channel, and the key that signs its webhooks: shown this once."""

    webhook_secret: str


class WebhookRetries(Answer):
    """How the provider should repeat what it could not deliver."""

    policy: str
    attempts: int
    delay_seconds: int


class WebhookUrlAnswer(Answer):
    """What the provider must be told to reach the door."""

    channel_id: Id
    channel_name: str
    channel_type: str
    webhook_id: Id
    webhook_url: str
    events: list[str]
    hmac_algorithm: str
    retries: WebhookRetries
    instructions: dict[str, str]


class DeliveryAnswer(Answer):
    """One raw delivery. `size` in bytes."""

    id: Id
    received_at: Time
    provider_event: str | None
    provider_event_id: str | None
    state: str
    reason: str | None
    size: int


def channel_answer(row: Row, webhook_url: str) -> ChannelAnswer:
    """Return the answer for a row of channels and their activity."""
    return ChannelAnswer.of(row, **_more(row, webhook_url))


def connected_channel(row: Row, webhook_url: str, webhook_secret: str) -> ConnectedChannel:
    """Return the answer for a new channel."""
    return ConnectedChannel.of(row, **_more(row, webhook_url), webhook_secret=webhook_secret)


def _more(row: Row, webhook_url: str) -> dict[str, Any]:
    waha = {
        "base_url": row["base_url"],
        "session_id": row["provider_session"],
        "api_key_set": row["credential_id"] is not None,
    }
    return {
        "waha_config": waha,
        "webhook_url": webhook_url,
        "phone": None,
        "pace": {**DEFAULT_PACE, **row["pace"]},
        "ai_content": {
            kind: {**defaults, **row["ai_content"].get(kind, {})} for kind, defaults in DEFAULT_AI_CONTENT.items()
        },
        "last_import_date": None,
        "history_import_status": "idle",
        "history_import_stats": ImportStats(),
    }
