"""Disable rules that do harm, by themselves; their project's people are told."""

from collections.abc import Mapping

from pipeline_automation.application.work import Work
from pipeline_automation.domain.heard import Heard


async def disable_rules(rules: Mapping[tuple[str, str], Heard], reason: str, work: Work) -> None:
    """Disable rules (tenant, rule) for `reason` (budget, errors); with each the event that made it so."""
    if not rules:
        return
    disabled = await work.automation.rules.disable(rules, reason)
    await work.automation.rules_changed({(each.tenant_id, each.project_id) for each in disabled})
    for rule in disabled:
        work.announcements.rule_disabled_itself(rule, reason, rules[rule.tenant_id, rule.id])
