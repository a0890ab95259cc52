"""Change a rule: it gets another revision, and what runs from now on runs by that."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from kernel.cause import Cause

from pipeline_automation.application.check_rule import check_rule
from pipeline_automation.application.create_rule import refuse_too_many
from pipeline_automation.application.work import Work


async def change_rule(
    rule_id: str, given: Mapping[str, Any], by: Cause, expect: Callable[[int], None], work: Work
) -> None:
    """Change what is given; what changes nothing says nothing. `expect` raises for a stale version. Raises as create_rule."""
    stored = await work.automation.rules.get(by.tenant_id, rule_id)
    expect(stored.version)
    after = replace(stored.rule, **given)
    changed = stored.rule.differences(after)
    if not changed:
        return
    await check_rule(after, by.tenant_id, stored.project_id, work)
    await refuse_too_many(after, rule_id, by.tenant_id, stored.project_id, work)
    new = replace(stored, rule=after, version=stored.version + 1, revision=stored.revision + 1)
    await work.automation.rules.save(new, work.now)
    await work.automation.rules_changed([(by.tenant_id, stored.project_id)])
    work.announcements.rule_updated(new, changed, by)
    if "enabled" in changed:
        work.announcements.rule_switched(new, by)
