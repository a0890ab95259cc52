"""`session.status`: how the session is, who we are there, and whether new chats are limited. Facts: guide 15.2 and 4."""

import hashlib
import json
from datetime import datetime
from typing import Any

from channel_gateway.adapters.waha.envelope import Envelope
from channel_gateway.adapters.waha.reading import Node, flag, fold, line, objects, whole
from channel_gateway.adapters.waha.reception import Reception
from channel_gateway.adapters.waha.times import moment
from channel_gateway.domain.inbound import Inbound, NewChatLimit, SessionReport, Untranslatable

_LONGEST_STATUS = 100


def translate_session_status(envelope: Envelope, payload: Node, reception: Reception) -> Inbound:
    """Return the report, or why there is none."""
    status = line(payload.get("status"), _LONGEST_STATUS)
    if status is None:
        return Untranslatable("status_missing")
    status = status.upper()
    data = payload.get("data")
    return SessionReport(
        status=status,
        told_at=_time_of(status, payload) or envelope.sent_at,
        at=envelope.sent_at or reception.received_at,
        me=envelope.own_number,
        engine=envelope.engine,
        version=envelope.version,
        limits=_limits(fold(data), fold(envelope.own_account)),
        fingerprint=_fingerprint(data) if data else "",
    )


def _time_of(status: str, payload: Node) -> datetime | None:
    """Return when the session came to its status: the last of `statuses`, if it is this one."""
    changes = objects(payload.get("statuses"))
    if not changes or (line(changes[-1].get("status")) or "").upper() != status:
        return None
    return moment(changes[-1].get("timestamp"))


def _limits(*told_in: Node) -> tuple[NewChatLimit, ...]:
    """Return the limits that are told, each from the first place that tells it."""
    readers = {"reachouttimelock": _timelock, "messagecapping": _cap}
    found = (
        next((limit for place in told_in if (limit := reader(fold(place.get(name)))) is not None), None)
        for name, reader in readers.items()
    )
    return tuple(limit for limit in found if limit is not None)


def _timelock(said: Node) -> NewChatLimit | None:
    active = flag(said.get("isactive"))
    if active is None:
        return None
    return NewChatLimit(
        "reach_out_timelock",
        active,
        until=moment(said.get("timeenforcementends")) if active else None,
        level=line(said.get("enforcementtype"), _LONGEST_STATUS),
    )


def _cap(said: Node) -> NewChatLimit | None:
    """A quota of −1 or 0 is none."""
    level = line(said.get("cappingstatus"), _LONGEST_STATUS)
    if level is None:
        return None
    total = whole(said.get("totalquota"))
    quota = total if total is not None and 0 < total < 2**31 else None
    return NewChatLimit(
        "message_cap",
        level.upper() == "CAPPED",
        until=moment(said.get("cycleend")),
        level=level.upper(),
        total=quota,
        used=_count(said.get("usedquota")) if quota is not None else None,
    )


def _count(value: Any) -> int | None:
    found = whole(value)
    return found if found is not None and 0 <= found < 2**31 else None


def _fingerprint(data: Any) -> str:
    """Passkey codes come with a status: they are told apart without being kept."""
    return hashlib.blake2b(json.dumps(data, sort_keys=True).encode(), digest_size=8).hexdigest()
