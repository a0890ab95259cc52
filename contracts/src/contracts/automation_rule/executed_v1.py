"""automation_rule.executed.v1: all actions of a rule were done."""

from typing import ClassVar

from contracts.automation_rule.action_result import ActionResult
from contracts.fields import Wire


class AutomationRuleExecutedV1(Wire, kw_only=True):
    """A wish that its owner refuses later changes the execution, not this event."""

    TYPE: ClassVar[str] = "automation_rule.executed.v1"
    PUBLIC: ClassVar[str | None] = "automation"

    rule_id: str
    execution_id: str
    action_results: tuple[ActionResult, ...]
    contact_id: str | None = None
    session_id: str | None = None
