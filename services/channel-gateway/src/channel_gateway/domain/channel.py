"""What a channel is and which settings go together."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from kernel.errors import DomainError, FieldError

WAHA = "waha"
TYPES = (
    WAHA,
    "whatsapp_business",
    "whatsapp",
    "messenger",
    "instagram",
    "telegram",
    "wechat",
    "twilio_sms",
    "web_form",
)
STATUSES = ("inactive", "activating", "connecting", "active", "disconnected", "error")

NEW_SESSION = "new"
"""Asked for as a session's name, it stands for one of our making."""

DEFAULT_PACE: Mapping[str, Any] = MappingProxyType(
    {
        "messages_per_minute": 20,
        "burst": 5,
        "jitter_percent": 40,
        "new_chats_per_day": 50,
        "warm_up": True,
        "quiet_hours": ("22:00-08:00",),
        "bulk_share_percent": 50,
    }
)
"""Of a number on WAHA; quiet hours hold for low priority."""

_MEGABYTE = 1_000_000


def _reads(provider: str, priority: int, debounce_ms: int, megabytes: int, **more: Any) -> Mapping[str, Any]:
    return MappingProxyType(
        {
            "enabled": True,
            "provider": provider,
            "model": None,
            "priority": priority,
            "debounce_ms": debounce_ms,
            "max_size_bytes": megabytes * _MEGABYTE,
            "split_long_audio": False,
            "silence_threshold": None,
            **more,
        }
    )


DEFAULT_AI_CONTENT: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "text": _reads("anthropic", 5, 1000, 1),
        "audio": _reads("whisper", 8, 500, 25, split_long_audio=True, silence_threshold=0.3),
        "voice": _reads("whisper", 10, 100, 25),
        "image": _reads("gemini", 7, 1000, 10),
        "video": _reads("gemini", 3, 5000, 100, enabled=False),
        "document": _reads("llamaparse", 6, 2000, 50),
    }
)


def refuse_unavailable_type(channel_type: str) -> None:
    """Raise rule_violated for a type that is known and not served yet."""
    if channel_type != WAHA:
        raise DomainError(
            "rule_violated",
            f"channels of type {channel_type} are not available yet",
            fields=(FieldError("/type", "not_allowed", f"only {WAHA} is available"),),
            rule="channel_type_available",
        )


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise rule_violated where settings contradict each other."""
    if settings["ai_agents_enabled"] and not settings["ai_enabled"]:
        raise DomainError(
            "rule_violated",
            "AI agents need AI",
            fields=(FieldError("/ai_agents_enabled", "not_allowed", "needs ai_enabled"),),
            rule="ai_agents_need_ai",
        )


def session_name_for(channel_id: str) -> str:
    """Return the provider session of a channel whose maker left the choice to us."""
    return f"ventros-{channel_id.replace('-', '')[-16:]}"
