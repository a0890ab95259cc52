"""An automation rule: when this happens and that holds, do these things."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from pipeline_automation.domain.actions import Action

BOUND_TYPES = frozenset(("pipeline_based", "follow_up", "reengagement", "onboarding"))
"""Types of rules that look only at contacts with an open placement in the rule's pipeline."""
TYPES = (*sorted(BOUND_TYPES), "event", "scheduled", "scheduled_report", "time_notification", "webhook", "custom")
LATER_TYPES = frozenset(("scheduled", "scheduled_report", "time_notification", "webhook", "custom"))
"""Types that are planned; who asks for one is told so."""

BUDGET = "max_per_contact"
"""What people call `max_count` and `max_hours`: so often within so many hours."""

MOST_ENABLED_RULES = 200
"""Enabled rules of one project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What people wrote down. `revision` grows with every change of it."""

    automation_type: str
    name: str
    trigger: str
    actions: tuple[Action, ...]
    description: str | None = None
    pipeline_id: str | None = None
    trigger_filter: Mapping[str, Any] = field(default_factory=dict)
    conditions: Sequence[Mapping[str, Any]] = ()
    expression: str | None = None
    priority: int = 0
    enabled: bool = True
    on_error: str = "stop"
    max_event_age_minutes: int = 60
    max_count: int = 10
    max_hours: int = 1
    transactional: bool = False

    def differences(self, after: "Rule") -> tuple[str, ...]:
        """Return the names of the fields, as people know them, in which `after` differs."""
        names = [each.name for each in fields(self) if getattr(self, each.name) != getattr(after, each.name)]
        return tuple(dict.fromkeys(BUDGET if name in ("max_count", "max_hours") else name for name in names))

    @property
    def bound(self) -> bool:
        """Tell whether the rule looks only at contacts that stand in its pipeline."""
        return self.automation_type in BOUND_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRule:
    """A rule with what it is known by."""

    tenant_id: str
    project_id: str
    id: str
    version: int
    revision: int
    created_at: datetime
    rule: Rule

    @property
    def actor(self) -> str:
        """Return by which name the rule acts."""
        return f"rule:{self.id}"

    @property
    def order(self) -> tuple[int, datetime, str]:
        """Return its place among the rules of a project: the least runs first."""
        return (self.rule.priority, self.created_at, self.id)
