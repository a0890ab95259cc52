"""automation_rule.enabled.v1: a rule runs again."""

from typing import ClassVar

from contracts.fields import Wire


class AutomationRuleEnabledV1(Wire, kw_only=True):
    """By a person."""

    TYPE: ClassVar[str] = "automation_rule.enabled.v1"
    PUBLIC: ClassVar[str | None] = "automation"

    rule_id: str
    revision: int
    version: int
