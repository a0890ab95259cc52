"""automation_rule.loop_detected.v1: loop protection acted."""

from typing import Annotated, ClassVar

from msgspec import Meta

from contracts.fields import Wire, open_enum


class AutomationRuleLoopDetectedV1(Wire, kw_only=True):
    """What was held back is a skipped execution."""

    TYPE: ClassVar[str] = "automation_rule.loop_detected.v1"
    PUBLIC: ClassVar[str | None] = "automation"

    rule_id: str
    kind: Annotated[str, Meta(extra_json_schema=open_enum("hop", "same_rule", "budget", "ping_pong"))]
    contact_id: str | None = None
    chat_key: str | None = None
