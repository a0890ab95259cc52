"""Write down a rule."""

from kernel.cause import Cause
from kernel.errors import DomainError

from pipeline_automation.application.check_rule import check_rule
from pipeline_automation.application.work import Work
from pipeline_automation.domain.rule import MOST_ENABLED_RULES, Rule, StoredRule


async def create_rule(rule: Rule, project_id: str, by: Cause, work: Work) -> str:
    """Return the id of the new rule; raise validation_failed, rule_violated or too_many."""
    await check_rule(rule, by.tenant_id, project_id, work)
    await refuse_too_many(rule, None, by.tenant_id, project_id, work)
    stored = StoredRule(
        tenant_id=by.tenant_id,
        project_id=project_id,
        id=work.new_id(),
        version=1,
        revision=1,
        created_at=work.now,
        rule=rule,
    )
    await work.automation.rules.add(stored)
    await work.automation.rules_changed([(by.tenant_id, project_id)])
    work.announcements.rule_created(stored, by)
    return stored.id


async def refuse_too_many(rule: Rule, rule_id: str | None, tenant_id: str, project_id: str, work: Work) -> None:
    """Raise too_many where an enabled rule is one more than a project may have; `rule_id` is its own, where it has one."""
    if not rule.enabled:
        return
    others = await work.automation.rules.in_project(tenant_id, project_id)
    if sum(each.rule.enabled for each in others if each.id != rule_id) >= MOST_ENABLED_RULES:
        raise DomainError("too_many", f"a project has at most {MOST_ENABLED_RULES} enabled rules")
