"""The status of a message only ever moves forward.

scheduled → queued < sent < delivered < read < played      acks may skip levels
failed: from scheduled, queued and sent, and by evidence from unknown      cancelled: from scheduled and queued
unknown: the outcome of a send is not known yet; only from queued, left by evidence only
"""

RANKS = {"scheduled": 0, "queued": 1, "unknown": 1, "sent": 2, "delivered": 3, "read": 4, "played": 5}
FINAL = frozenset(("failed", "cancelled"))
STATUSES = (*RANKS, *sorted(FINAL))

# What WhatsApp's acks mean: https://waha.devlike.pro/docs/how-to/events/ (message.ack)
_LEVELS = {-1: "failed", 0: "queued", 1: "sent", 2: "delivered", 3: "read", 4: "played"}

_ACCEPTED = frozenset(("sent", "delivered", "read", "played"))
_NEXT: dict[str, frozenset[str]] = {
    "scheduled": frozenset(("queued", "cancelled", "failed")),
    "queued": _ACCEPTED | {"failed", "unknown", "cancelled"},
    "unknown": _ACCEPTED | {"failed"},
    "sent": frozenset(("delivered", "read", "played", "failed")),
    "delivered": frozenset(("read", "played")),
    "read": frozenset(("played",)),
    "played": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}


def status_of_level(level: int) -> str | None:
    """Return the status that an ack of that level reports, or None for a level that we do not know."""
    return _LEVELS.get(level)


def may_become(status: str, wanted: str) -> bool:
    """Tell whether the step is allowed."""
    return wanted in _NEXT[status]


def after(status: str, reported: str) -> str:
    """Return the status after a report: the reported one where that is a step forward, otherwise the same as before."""
    return reported if may_become(status, reported) else status


def comes_too_late(status: str, reported: str) -> bool:
    """Tell whether a report contradicts an end: the message did go out, although it is shown as failed or cancelled."""
    return status in FINAL and reported in _ACCEPTED
