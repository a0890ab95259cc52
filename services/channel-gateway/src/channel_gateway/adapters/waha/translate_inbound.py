"""The way in: one webhook body of WAHA becomes one thing said in our own words.

`EVENTS` says which event is translated where. To act on one more kind of event: a class in `domain/inbound.py`, a
module beside this one with a function of the shape `Translator`, and a line in `EVENTS`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from channel_gateway.adapters.waha.acks import translate_ack
from channel_gateway.adapters.waha.envelope import Envelope, open_envelope
from channel_gateway.adapters.waha.messages import translate_message
from channel_gateway.adapters.waha.reading import Node
from channel_gateway.adapters.waha.reception import Reception
from channel_gateway.adapters.waha.session_status import translate_session_status
from channel_gateway.domain.inbound import Ignored, Inbound, Kept, Untranslatable

Translator = Callable[[Envelope, Node, Reception], Inbound]


def _keep(envelope: Envelope, payload: Node, reception: Reception) -> Inbound:
    return Kept(envelope.event or "")


EVENTS: dict[str, Translator] = {
    "message": translate_message,
    "message.any": translate_message,
    "message.ack": translate_ack,
    "message.ack.group": translate_ack,
    "message.reaction": _keep,
    "message.edited": _keep,
    "message.revoked": _keep,
    "message.waiting": _keep,
    "session.status": translate_session_status,
    "poll.vote": _keep,
    "poll.vote.failed": _keep,
    "event.response": _keep,
    "event.response.failed": _keep,
    "call.received": _keep,
    "call.accepted": _keep,
    "call.rejected": _keep,
    "group.v2.join": _keep,
    "group.v2.leave": _keep,
    "group.v2.update": _keep,
    "group.v2.participants": _keep,
    "group.v2.participants.join-request": _keep,
    "group.v2.participants.tag": _keep,
    "label.upsert": _keep,
    "label.deleted": _keep,
    "label.chat.added": _keep,
    "label.chat.deleted": _keep,
    "chat.archive": _keep,
    "presence.update": _keep,
}
OF_NO_USE = {
    "engine.event": "debug_event",
    "state.change": "deprecated_event",
    "group.join": "deprecated_event",
    "group.leave": "deprecated_event",
}


def translate(
    body: bytes | dict[str, Any] | Envelope,
    *,
    channel_engine: str | None,
    received_at: datetime,
    allow_groups: bool,
) -> Inbound:
    """Return what a webhook body says: raw bytes, decoded JSON or an opened envelope.

    `channel_engine` is believed only where the body names no engine. `received_at` is the time of what tells no time.
    Raises NotJson for bytes that are no JSON, and nothing else: whatever cannot be understood is `Untranslatable`.
    """
    try:
        envelope = body if isinstance(body, Envelope) else open_envelope(body)
        reception = Reception(envelope.engine or channel_engine, received_at, allow_groups)
        return _translate(envelope, reception)
    except RecursionError:
        return Untranslatable("nested_too_deeply")


def _translate(envelope: Envelope, reception: Reception) -> Inbound:
    event = envelope.event
    if not envelope.is_object:
        return Untranslatable("not_an_object")
    if event is None:
        return Untranslatable("event_missing")
    if (reason := OF_NO_USE.get(event)) is not None:
        return Ignored(reason)
    translator = EVENTS.get(event)
    if translator is None:
        return Kept(event)
    if envelope.payload is None:
        return Untranslatable("payload_missing", f"the payload of {event} is no object")
    return translator(envelope, envelope.payload, reception)
