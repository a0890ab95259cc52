"""Enable or disable a rule."""

from dataclasses import replace

from kernel.cause import Cause

from pipeline_automation.application.check_rule import check_rule
from pipeline_automation.application.create_rule import refuse_too_many
from pipeline_automation.application.work import Work


async def switch_rule(rule_id: str, *, enabled: bool, by: Cause, work: Work) -> None:
    """Let a rule run, or not; what is so already says nothing. A rule that could not run is not enabled: raises as create_rule."""
    stored = await work.automation.rules.get(by.tenant_id, rule_id)
    if stored.rule.enabled == enabled:
        return
    after = replace(stored.rule, enabled=enabled)
    if enabled:
        await check_rule(after, by.tenant_id, stored.project_id, work)
        await refuse_too_many(after, rule_id, by.tenant_id, stored.project_id, work)
    new = replace(stored, rule=after, version=stored.version + 1)
    await work.automation.rules.save(new, work.now)
    await work.automation.rules_changed([(by.tenant_id, stored.project_id)])
    work.announcements.rule_switched(new, by)
