"""Delete a rule. What it did stays in its executions."""

from collections.abc import Callable
from dataclasses import replace

from kernel.cause import Cause

from pipeline_automation.application.work import Work


async def remove_rule(rule_id: str, by: Cause, expect: Callable[[int], None], work: Work) -> None:
    """Delete softly; a second time it is not found. `expect` raises for a stale version."""
    stored = await work.automation.rules.get(by.tenant_id, rule_id)
    expect(stored.version)
    await work.automation.rules.remove(stored)
    await work.automation.rules_changed([(by.tenant_id, stored.project_id)])
    work.announcements.rule_deleted(replace(stored, version=stored.version + 1), by)
