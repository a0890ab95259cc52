"""automation_rule.deleted.v1: a rule was deleted."""

from typing import ClassVar

from contracts.fields import Wire


class AutomationRuleDeletedV1(Wire, kw_only=True):
    """It runs no more."""

    TYPE: ClassVar[str] = "automation_rule.deleted.v1"
    PUBLIC: ClassVar[str | None] = "automation"

    rule_id: str
    version: int
