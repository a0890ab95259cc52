"""What kind of message it is: unwrap, find the key that names the kind, or fall back to what the payload shows.

Rules: guide 6.3 and 7.13. The reading of each kind is in `kinds.py`.
"""

from dataclasses import dataclass
from typing import Any

from channel_gateway.adapters.waha import kinds
from channel_gateway.adapters.waha.parts import Parts
from channel_gateway.adapters.waha.reading import Node, flag, fold, line, present, text
from channel_gateway.domain.content import Content, System, Text, Unsupported

WRAPPERS = frozenset(
    {
        "associatedchildmessage",
        "botinvokemessage",
        "devicesentmessage",
        "documentwithcaptionmessage",
        "editedmessage",
        "ephemeralmessage",
        "groupmentionedmessage",
        "lottiestickermessage",
        "viewoncemessage",
        "viewoncemessagev2",
        "viewoncemessagev2extension",
    }
)
SIBLINGS = frozenset(
    {
        "contextinfo",
        "fastratchetkeysenderkeydistributionmessage",
        "messagecontextinfo",
        "senderkeydistributionmessage",
    }
)
NO_MESSAGES = frozenset(
    {
        "enceventresponsemessage",
        "encreactionmessage",
        "pollupdatemessage",
        "protocolmessage",
        "reactionmessage",
    }
)
SYSTEM_TYPES = frozenset(
    {
        "broadcast_notification",
        "call_log",
        "ciphertext",
        "debug",
        "e2e_notification",
        "gp2",
        "notification",
        "notification_template",
        "protocol",
        "revoked",
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """The content with its folded `contextInfo`; or no content and the reason why nothing is to be shown."""

    content: Content | None
    context: Node
    reason: str | None = None


def find_content(payload: Node, data: Node) -> Found:
    """Return what a message holds, from its folded payload and `_data`."""
    message, view_once = _unwrap(data.get("message"))
    key = _kind_key(message)
    value = message.get(key) if key else None
    node = fold(value)
    context = fold(node.get("contextinfo")) or fold(fold(message).get("contextinfo"))
    system_type = line(data.get("type"), 100)
    parts = Parts(payload, data, node, text(payload.get("body")), value if isinstance(value, str) else None, view_once)
    if system_type in SYSTEM_TYPES and key is None:
        return Found(System(system_type, parts.body), context) if parts.body else Found(None, context, "system_notice")
    if key is None:
        content = _named_by_engine(parts, system_type) or _shown_by_payload(parts)
        return Found(content, context, None if content else "nothing_to_show")
    if key.lower() in NO_MESSAGES:
        return Found(None, context, "no_message")
    return _read(key, parts, context)


def _read(key: str, parts: Parts, context: Node) -> Found:
    reader = kinds.BY_MESSAGE_KEY.get(key.lower()) or kinds.by_numbered_key(key.lower())
    content = reader(parts) if reader else None
    if isinstance(content, Text) and content.interactive_reply is None and _carries_file(parts.payload):
        content = None  # seen on NOWEB 2024: a file beside plain text; the file wins, the text is its caption
        return Found(kinds.by_mime_type(parts), context)
    if content is None and reader is kinds.read_text:
        content = _shown_by_payload(parts)
        return Found(content, context, None if content else "nothing_to_show")
    return Found(content or Unsupported(_name(key), parts.words()), context)


def _unwrap(message: Any) -> tuple[dict[str, Any], bool]:
    """Return the real content below all wrappers, and whether one of them meant "view once"."""
    view_once = False
    inner = message if isinstance(message, dict) else {}
    while True:
        wrapper = next((key for key in inner if key.lower() in WRAPPERS), None)
        below = fold(inner[wrapper]).get("message") if wrapper else None
        if not isinstance(below, dict) or not below or wrapper is None:
            return inner, view_once
        view_once = view_once or wrapper.lower().startswith("viewonce")
        inner = below


def _kind_key(message: dict[str, Any]) -> str | None:
    """Return the key that names the kind, as written: a known one before an unknown one, and text last of the known."""
    keys = [key for key, value in message.items() if present(value) and key.lower() not in SIBLINGS]
    if len(keys) > 1:
        keys.sort(key=_rank)
    return keys[0] if keys else None


def _rank(key: str) -> int:
    name = key.lower()
    reader = kinds.BY_MESSAGE_KEY.get(name) or kinds.by_numbered_key(name)
    return 2 if reader is None else 1 if reader is kinds.read_text else 0


def _named_by_engine(parts: Parts, browser_type: str | None) -> Content | None:
    """Return the content whose kind `_data.type` (browser engines) or `Info.MediaType` (GOWS) names."""
    name = browser_type or line(fold(parts.data.get("info")).get("mediatype"), 100)
    if name is None:
        return None
    reader = kinds.BY_TYPE_NAME.get(name.lower())
    if reader is not None:
        content = reader(Parts(parts.payload, parts.data, parts.data, parts.body, None, parts.view_once))
        return content if content or reader is kinds.read_text else Unsupported(_name(name), parts.body)
    return Unsupported(_name(name), parts.body) if browser_type and not _carries_file(parts.payload) else None


def _shown_by_payload(parts: Parts) -> Content | None:
    """Return what the payload itself shows where the engine's data tells nothing; None when that is nothing."""
    if _carries_file(parts.payload) or flag(parts.payload.get("hasmedia")):
        return kinds.by_mime_type(parts)
    return kinds.read_location(parts) or kinds.read_contacts(parts) or kinds.read_text(parts)


def _carries_file(payload: Node) -> bool:
    media = fold(payload.get("media"))
    if flag(payload.get("hasmedia")) is False:
        return False
    return bool(line(media.get("mimetype")) or line(media.get("url")))


def _name(key: str) -> str:
    return line(key, 100) or "unknown"
