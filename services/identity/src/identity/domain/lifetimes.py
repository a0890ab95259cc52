"""How long sign-ins last."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Minutes of an access token, days of an unused refresh token, days of a sign-in however much it is used."""

    access_minutes: int = 15
    refresh_days: int = 30
    sign_in_days: int = 90

    @property
    def access_seconds(self) -> int:
        """Return an access token's life."""
        return self.access_minutes * 60

    def refresh_until(self, now: datetime, signed_in_at: datetime) -> datetime:
        """Return until when a refresh token made now is good: sliding, and never past the end of its sign-in."""
        return min(now + timedelta(days=self.refresh_days), signed_in_at + timedelta(days=self.sign_in_days))
