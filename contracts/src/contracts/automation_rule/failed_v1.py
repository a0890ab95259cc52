"""automation_rule.failed.v1: a rule stopped, or some of its actions failed."""

from typing import ClassVar

from contracts.automation_rule.action_result import ActionResult
from contracts.fields import Wire


class AutomationRuleFailedV1(Wire, kw_only=True):
    """`failed_index` is the first that failed."""

    TYPE: ClassVar[str] = "automation_rule.failed.v1"
    PUBLIC: ClassVar[str | None] = "automation"

    rule_id: str
    execution_id: str
    action_results: tuple[ActionResult, ...]
    failed_index: int
    error: str
    contact_id: str | None = None
    session_id: str | None = None
