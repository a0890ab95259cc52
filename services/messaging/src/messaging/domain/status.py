"""The status of a message only ever moves forward.

scheduled → queued < sent < delivered < read < played      acks may skip levels
failed: from scheduled, queued and sent, and by evidence from unknown      cancelled: from scheduled and queued
unknown: the outcome of a send is not known yet; only from queued, left by evidence only

The same table stands in the database as `may_become`; a test compares the two.
"""

RANKS = {"scheduled": 0, "queued": 1, "unknown": 2, "sent": 3, "delivered": 4, "read": 5, "played": 6}
FINAL = frozenset(("failed", "cancelled"))
STATUSES = (*RANKS, *sorted(FINAL))
ACCEPTED = frozenset(("sent", "delivered", "read", "played"))
"""The provider has it."""
UNSETTLED = frozenset(STATUSES) - ACCEPTED
"""The provider does not have it, not yet, or for all that we know. The database keeps the same table, as `unsettled`."""

# What WhatsApp's acks mean: https://waha.devlike.pro/docs/how-to/events/ (message.ack)
_LEVELS = {-1: "failed", 0: "queued", 1: "sent", 2: "delivered", 3: "read", 4: "played"}

NEXT: dict[str, frozenset[str]] = {
    "scheduled": frozenset(("queued", "cancelled", "failed")),
    "queued": ACCEPTED | {"failed", "unknown", "cancelled"},
    "unknown": ACCEPTED | {"failed"},
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
    return wanted in NEXT[status]


def after(status: str, reported: str) -> str:
    """Return the status after a report: the reported one where that is a step forward, otherwise the same as before."""
    return reported if may_become(status, reported) else status


def comes_too_late(status: str, reported: str) -> bool:
    """Tell whether a report contradicts an end: the message did go out, although it is shown as failed or cancelled."""
    return status in FINAL and reported in ACCEPTED


def further(one: str | None, other: str) -> str:
    """Return which of two accepted statuses is further on."""
    return other if one is None or RANKS[other] > RANKS[one] else one
