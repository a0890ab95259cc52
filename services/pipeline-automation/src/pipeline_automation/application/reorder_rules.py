"""Put the rules of a project in order: the first of the list runs first."""

from collections.abc import Sequence

from kernel.cause import Cause
from kernel.errors import DomainError, FieldError

from pipeline_automation.application.work import Work


async def reorder_rules(rule_ids: Sequence[str], project_id: str, by: Cause, work: Work) -> Sequence[tuple[str, int]]:
    """Return the new priorities by rule; raise validation_failed unless every rule of the project is named once."""
    rules = await work.automation.rules.in_project(by.tenant_id, project_id)
    if sorted(rule_ids) != sorted(rule.id for rule in rules):
        problem = FieldError("/rule_ids", "not_allowed", "all rules of the project expected, each once")
        raise DomainError("validation_failed", "1 field needs attention", fields=(problem,))
    priorities = {rule_id: place for place, rule_id in enumerate(rule_ids)}
    changed = await work.automation.rules.reorder(by.tenant_id, priorities)
    if changed:
        await work.automation.rules_changed([(by.tenant_id, project_id)])
    for rule in sorted(changed, key=lambda rule: rule.order):
        work.announcements.rule_updated(rule, ("priority",), by)
    return list(priorities.items())
