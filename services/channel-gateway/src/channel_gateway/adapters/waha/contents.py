"""What kind of message it is: unwrap, find the key that names the kind, or fall back to what the payload shows.

Rules: guide 6.3 and 7.13. The reading of each kind is in `kinds.py`.
"""

from typing import Any, NamedTuple

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
        "placeholdermessage",
        "pollupdatemessage",
        "protocolmessage",
        "reactionmessage",
    }
)
"""What changes another message, or stands for one that linked devices are not shown (an ad's first, at times)."""

SYSTEM_TYPES = frozenset(
    {
        "broadcast_notification",
        "call_log",
        "ciphertext",
        "debug",
        "e2e_notification",
        "gp2",
        "group_notification",
        "newsletter_notification",
        "notification",
        "notification_template",
        "poll_update",
        "protocol",
        "reaction",
        "reaction_enc",
        "revoked",
    }
)


class Found(NamedTuple):
    """The content with its folded `contextInfo`; or no content and the reason why nothing is to be shown."""

    content: Content | None
    context: Node
    reason: str | None = None


def find_content(payload: Node, data: Node) -> Found:
    """Return what a message holds, from its folded payload and `_data`."""
    message, view_once = _unwrap(data.get("message") or data.get("rawmessage"))
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
    if content is None and reader is kinds.read_text:
        content = _shown_by_payload(parts)
        return Found(content, context, None if content else "nothing_to_show")
    return Found(_file_instead(content, parts) or Unsupported(_name(key), parts.words()), context)


def _file_instead(content: Content | None, parts: Parts) -> Content | None:
    """Return the file that stands beside plain text, with the text as its caption: seen on NOWEB 2024."""
    plain = isinstance(content, Text) and content.interactive_reply is None
    return kinds.by_mime_type(parts) if plain and _carries_file(parts.payload) else content


def _unwrap(message: Any) -> tuple[dict[str, Any], bool]:
    """Return the real content below all wrappers, and whether one of them meant "view once"."""
    view_once = False
    inner = message if isinstance(message, dict) else {}
    while True:
        wrapper = next((key for key in inner if _wraps(key, _below(inner[key]))), None)
        if wrapper is None:
            return inner, view_once
        view_once = view_once or wrapper.lower().startswith("viewonce")
        inner = _below(inner[wrapper])


def _below(value: Any) -> dict[str, Any]:
    """Return the message within a wrapper; {} where there is none."""
    below = fold(value).get("message")
    return below if isinstance(below, dict) else {}


def _wraps(key: str, below: dict[str, Any]) -> bool:
    """Tell whether a key is a wrapper: a known one around anything, or an unknown one around something that we know."""
    name = key.lower()
    return bool(below) and (name in WRAPPERS or (name not in kinds.BY_MESSAGE_KEY and _rank(_kind_key(below)) < 2))


def _kind_key(message: dict[str, Any]) -> str | None:
    """Return the key that names the kind, as written: a known one before an unknown one, and text last of the known."""
    keys = [key for key, value in message.items() if present(value) and key.lower() not in SIBLINGS]
    if len(keys) > 1:
        keys.sort(key=_rank)
    return keys[0] if keys else None


def _rank(key: str | None) -> int:
    name = (key or "").lower()
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
        if content is None and reader not in kinds.PLAIN:
            return Unsupported(_name(name), parts.body)
        return _file_instead(content, parts)
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
