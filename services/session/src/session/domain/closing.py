"""Ending a session by hand: which reasons there are, and what they mark."""

from dataclasses import dataclass
from datetime import datetime

REASONS = ("resolved", "transferred", "escalated", "agent_close", "contact_request", "manual_close")
END_REASONS = (*REASONS, "inactivity_timeout", "system_close", "saga_rollback")

# What older clients say.
_SYNONYMS = {"agent_closed": "agent_close"}


@dataclass(frozen=True, slots=True)
class Closing:
    """Who ends a session, why and when. `resolved` and `escalated` end it and mark it in one step."""

    reason: str
    notes: str | None
    by: str
    at: datetime

    @property
    def resolves(self) -> bool:
        """Tell whether the matter is settled."""
        return self.reason == "resolved"

    @property
    def escalates(self) -> bool:
        """Tell whether somebody else must look at it."""
        return self.reason == "escalated"


def end_reason(asked: str) -> str:
    """Return the reason as it is stored."""
    return _SYNONYMS.get(asked, asked)
