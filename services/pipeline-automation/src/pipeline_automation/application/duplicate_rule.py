"""Write down a rule again, to be changed: disabled, and after the first."""

from dataclasses import replace

from kernel.cause import Cause

from pipeline_automation.application.create_rule import create_rule
from pipeline_automation.application.work import Work

LONGEST_NAME = 255


async def duplicate_rule(rule_id: str, name: str | None, by: Cause, work: Work) -> str:
    """Return the id of the copy, called `name` or like the first; raise not_found, or as create_rule."""
    stored = await work.automation.rules.get(by.tenant_id, rule_id)
    suffix = " (copy)"
    rule = replace(
        stored.rule,
        name=name or stored.rule.name[: LONGEST_NAME - len(suffix)] + suffix,
        priority=stored.rule.priority + 1,
        enabled=False,
    )
    return await create_rule(rule, stored.project_id, by, work)
