"""Webhook bodies of every engine, as pure functions.

`happenings` says what happened without any engine's words; `gows`, `noweb`, `webjs` and `wpp` say it in theirs;
`bodies` puts
the envelope around it.
"""

from waha_simulator.payloads.bodies import (
    ack_event,
    ack_of_own,
    engine_module,
    full_id,
    incoming_contacts,
    incoming_location,
    incoming_media,
    incoming_message,
    incoming_text,
    message_event,
    message_payload,
    own_text,
    session_status,
    status_event,
)
from waha_simulator.payloads.envelope import DEFAULT_VERSION, ENGINES, environment, me_of
from waha_simulator.payloads.happenings import (
    KINDS,
    MEDIA_KINDS,
    Ack,
    Card,
    Media,
    Message,
    Person,
    Place,
    Quote,
    StatusChange,
)

__all__ = [
    "DEFAULT_VERSION",
    "ENGINES",
    "KINDS",
    "MEDIA_KINDS",
    "Ack",
    "Card",
    "Media",
    "Message",
    "Person",
    "Place",
    "Quote",
    "StatusChange",
    "ack_event",
    "ack_of_own",
    "engine_module",
    "environment",
    "full_id",
    "incoming_contacts",
    "incoming_location",
    "incoming_media",
    "incoming_message",
    "incoming_text",
    "me_of",
    "message_event",
    "message_payload",
    "own_text",
    "session_status",
    "status_event",
]
