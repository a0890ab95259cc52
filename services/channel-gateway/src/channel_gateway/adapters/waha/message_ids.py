"""Serialised message ids: `{true|false}_{chat}_{ID}[_{author}]`, in all their forms. Rule: guide 6.2."""

from typing import Any, NamedTuple

from channel_gateway.adapters.waha.addresses import address
from channel_gateway.adapters.waha.reading import text

_LONGEST = 600
_LONGEST_BARE = 255
_PREFIXES = (("true_", True), ("false_", False))


class MessageId(NamedTuple):
    """What an id says. `bare` is WhatsApp's own key; the rest is None where the id does not tell."""

    reported: str
    bare: str
    from_me: bool | None = None
    chat: str | None = None
    author: str | None = None


def parse_message_id(value: Any) -> MessageId | None:
    """Return what the id says, or None for what holds no usable bare id."""
    if isinstance(value, dict):
        value = _serialised(value)
    reported = text(value, _LONGEST + 1)
    if reported is None or len(reported) > _LONGEST:
        return None
    rest, from_me = reported, None
    for prefix, ours in _PREFIXES:
        if reported.startswith(prefix):
            rest, from_me = reported[len(prefix) :], ours
            break
    at = rest.find("@")
    if at < 0:
        return MessageId(reported, rest, from_me) if 0 < len(rest) <= _LONGEST_BARE else None
    end_of_chat = rest.find("_", at)
    chat = address(rest[:end_of_chat])
    if end_of_chat < 0 or chat is None:
        return None
    key, author = rest[end_of_chat + 1 :], None
    at = key.rfind("@")
    if at >= 0:
        end_of_key = key.rfind("_", 0, at)
        if end_of_key < 0:
            return None
        author, key = address(key[end_of_key + 1 :]), key[:end_of_key]
    bare = key.rpartition("_")[2]
    return MessageId(reported, bare, from_me, chat, author) if 0 < len(bare) <= _LONGEST_BARE else None


def bare_id(value: Any) -> str | None:
    """Return the bare id of a message that another one mentions."""
    found = parse_message_id(value)
    return found.bare if found else None


def _serialised(parts: dict[str, Any]) -> Any:
    """Browser engines may write an id as an object."""
    if parts.get("_serialized"):
        return parts["_serialized"]
    chat = address(parts.get("remote"))
    if not chat or not isinstance(parts.get("id"), str):
        return None
    prefix = next((prefix for prefix, ours in _PREFIXES if parts.get("fromMe") is ours), "")
    author = address(parts.get("participant"))
    return f"{prefix}{chat}_{parts['id']}{f'_{author}' if author else ''}"
