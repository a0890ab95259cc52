"""automation_rule.triggered.v1: the conditions of a rule were met."""

from typing import ClassVar

from contracts.fields import Wire


class AutomationRuleTriggeredV1(Wire, kw_only=True):
    """One execution for each rule and event."""

    TYPE: ClassVar[str] = "automation_rule.triggered.v1"
    PUBLIC: ClassVar[str | None] = "automation"

    rule_id: str
    revision: int
    execution_id: str
    trigger_event_id: str
    trigger_type: str
    contact_id: str | None = None
    session_id: str | None = None
