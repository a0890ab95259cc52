"""The envelope around every webhook: only `event`, `session` and `payload` can be relied on. Facts: guide 4."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channel_gateway.adapters.waha.addresses import address
from channel_gateway.adapters.waha.reading import LONGEST_ID, Node, decode, fold, line
from channel_gateway.adapters.waha.times import moment


@dataclass(frozen=True, slots=True)
class Envelope:
    """What surrounds the payload, which is None when it is no object. `me` holds the addresses of our own number."""

    event: str | None
    event_id: str | None
    session: str | None
    engine: str | None
    version: str | None
    sent_at: datetime | None
    me: frozenset[str]
    payload: Node | None
    is_object: bool


def open_envelope(body: bytes | Any) -> Envelope:
    """Return the envelope of a raw or decoded body. Raises NotJson for bytes that are no JSON."""
    if isinstance(body, bytes | bytearray | memoryview):
        body = decode(bytes(body))
    keys = fold(body)
    environment = fold(keys.get("environment"))
    engine = line(environment.get("engine"), 50) or line(keys.get("engine"), 50)
    payload = keys.get("payload")
    return Envelope(
        event=line(keys.get("event"), 100),
        event_id=line(keys.get("id"), LONGEST_ID),
        session=line(keys.get("session"), LONGEST_ID),
        engine=engine.upper() if engine else None,
        version=line(environment.get("version"), 50),
        sent_at=moment(keys.get("timestamp")),
        me=_own_addresses(fold(keys.get("me"))),
        payload=fold(payload) if isinstance(payload, dict) else None,
        is_object=isinstance(body, dict),
    )


def _own_addresses(me: Node) -> frozenset[str]:
    return frozenset(known for name in ("id", "lid", "jid") if (known := address(me.get(name))))
