"""What the use cases of this service work with, inside one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pipeline_automation.application.announcements import Announcements


@dataclass(frozen=True)
class Work:
    """One transaction's worth of collaborators."""

    announcements: Announcements
    new_id: Callable[[], str]
    now: datetime
