"""What a message says about others: the quoted message, the mentioned people, and that it was forwarded."""

from typing import Any

from channel_gateway.adapters.waha.addresses import address, is_person
from channel_gateway.adapters.waha.message_ids import bare_id
from channel_gateway.adapters.waha.reading import Node, flag, fold, whole

_MOST_MENTIONS = 1_024


def quoted_id(payload: Node, context: Node, data: Node) -> str | None:
    """Return the bare id of the quoted message. `replyTo` is empty when the quoted content is missing: guide 6.5."""
    reply = payload.get("replyto")
    return (
        bare_id(fold(reply).get("id") if isinstance(reply, dict) else reply)
        or bare_id(context.get("stanzaid"))
        or bare_id(data.get("quotedstanzaid"))
        or bare_id(data.get("quotedmsgid"))
    )


def mentions(context: Node, data: Node) -> tuple[str, ...]:
    """Return the addresses of the mentioned people, each once, in their order."""
    listed: Any = context.get("mentionedjid") or data.get("mentionedjidlist")
    if not isinstance(listed, list):
        return ()
    found = (address(item) for item in listed[:_MOST_MENTIONS])
    return tuple(dict.fromkeys(known for known in found if known and is_person(known)))


def forwarded(context: Node, data: Node) -> bool:
    if flag(context.get("isforwarded")) or flag(data.get("isforwarded")):
        return True
    return (whole(context.get("forwardingscore")) or 0) > 0
