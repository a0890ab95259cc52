"""automation_rule.created.v1: a rule exists."""

from typing import ClassVar

from contracts.fields import Wire


class AutomationRuleCreatedV1(Wire, kw_only=True):
    """What it does is kept by its owner."""

    TYPE: ClassVar[str] = "automation_rule.created.v1"
    PUBLIC: ClassVar[str | None] = "automation"

    rule_id: str
    revision: int
    name: str
    trigger: str
    enabled: bool
    version: int
    pipeline_id: str | None = None
