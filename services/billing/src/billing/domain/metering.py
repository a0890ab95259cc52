"""What counts as usage. Pure: what a batch of messages or executions adds to which meter.

Messages and automation runs add up, so they are counted by the hour. Who was active does not add up (a contact who writes on two
days is active in one month), so contacts are counted once for each day and once for each month.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from billing.domain.periods import day_number, hour_number

MESSAGES_RECEIVED = "messages_received"
MESSAGES_SENT = "messages_sent"
ACTIVE_CONTACTS = "active_contacts"
AUTOMATIONS_RUN = "automations_run"
METRICS = (MESSAGES_RECEIVED, MESSAGES_SENT, ACTIVE_CONTACTS, AUTOMATIONS_RUN)

# What was imported is the past, not usage; and no kind of origin is billed before somebody decided that it is.
_METERED_ORIGINS = frozenset(("live", "reconciled"))
_NEVER_METERED = frozenset(("history_import", "test"))
_TYPED_ON_THE_PHONE = "phone"


class Message(NamedTuple):
    """A message that was received (`source` is None) or sent by a source; a tuple is made in half the time of a frozen dataclass."""

    tenant_id: str
    project_id: str
    occurred_at: datetime
    origin: str
    source: str | None
    contact_id: str | None

    @property
    def metric(self) -> str | None:
        """Return the meter that counts it; typed on the phone it costs nothing, though it shows that the contact is active."""
        if self.source is None:
            return MESSAGES_RECEIVED
        return None if self.source == _TYPED_ON_THE_PHONE else MESSAGES_SENT

    @property
    def is_usage(self) -> bool:
        """Tell whether it is usage at all."""
        return self.origin in _METERED_ORIGINS and self.source not in _NEVER_METERED


@dataclass(frozen=True, slots=True)
class Execution:
    """A rule that was executed."""

    tenant_id: str
    project_id: str
    executed_at: datetime


class Meter(NamedTuple):
    """One metric of a project in one hour (since 1970, UTC)."""

    tenant_id: str
    project_id: str
    metric: str
    hour: int


class Active(NamedTuple):
    """A contact of a project who was active on one day (since 1970, UTC), and thereby in its month."""

    tenant_id: str
    project_id: str
    contact_id: str
    day: int


@dataclass(frozen=True, slots=True)
class Increments:
    """What one batch adds: how much to which hours, and who was active."""

    quantities: Counter[Meter]
    active: set[Active]


def increments_of_messages(messages: Iterable[Message]) -> Increments:
    """Return what messages add."""
    found = Increments(Counter(), set())
    for message in messages:
        if not message.is_usage:
            continue
        hour = hour_number(message.occurred_at)
        if (metric := message.metric) is not None:
            found.quantities[Meter(message.tenant_id, message.project_id, metric, hour)] += 1
        if message.contact_id is not None:
            found.active.add(Active(message.tenant_id, message.project_id, message.contact_id, day_number(hour)))
    return found


def increments_of_executions(executions: Iterable[Execution]) -> Increments:
    """Return what executions of rules add."""
    meters = (
        Meter(each.tenant_id, each.project_id, AUTOMATIONS_RUN, hour_number(each.executed_at)) for each in executions
    )
    return Increments(Counter(meters), set())
