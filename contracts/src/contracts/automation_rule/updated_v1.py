"""automation_rule.updated.v1: a rule changed."""

from typing import ClassVar

from contracts.fields import Wire


class AutomationRuleUpdatedV1(Wire, kw_only=True):
    """Executions keep the revision that they began with."""

    TYPE: ClassVar[str] = "automation_rule.updated.v1"
    PUBLIC: ClassVar[str | None] = "automation"

    rule_id: str
    revision: int
    name: str
    trigger: str
    enabled: bool
    version: int
    pipeline_id: str | None = None
    changed: tuple[str, ...] = ()
