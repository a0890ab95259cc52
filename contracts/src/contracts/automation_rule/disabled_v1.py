"""automation_rule.disabled.v1: a rule runs no more."""

from typing import Annotated, ClassVar

from msgspec import Meta

from contracts.fields import Wire, open_enum


class AutomationRuleDisabledV1(Wire, kw_only=True):
    """By a person, or by the breaker."""

    TYPE: ClassVar[str] = "automation_rule.disabled.v1"
    PUBLIC: ClassVar[str | None] = "automation"

    rule_id: str
    revision: int
    version: int
    reason: Annotated[str, Meta(extra_json_schema=open_enum("person", "loop", "budget", "errors"))] = "person"
