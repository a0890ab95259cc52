"""Which rules look at an event, and what they think of it. Nothing is done here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipeline_automation.application.rule_book import CompiledRule, ProjectRules
from pipeline_automation.domain.execution import Execution
from pipeline_automation.domain.facts import Facts, KnownToRules, zone_of
from pipeline_automation.domain.heard import Heard
from pipeline_automation.domain.loop_guard import too_deep
from pipeline_automation.domain.rule import StoredRule
from pipeline_automation.domain.template_variables import template_values


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An execution with all that its actions need."""

    execution: Execution
    rule: CompiledRule
    facts: Facts
    contact: KnownToRules
    project: ProjectRules


def concerns(rule: CompiledRule, heard: Heard) -> bool:
    """Tell whether an event may concern a rule, as far as the event alone tells."""
    if heard.in_group and not rule.in_groups:
        return False
    for name, wanted in rule.stored.rule.trigger_filter.items():
        if name != "tag" and heard.parameters.get(name) not in _as_list(wanted):
            return False
    return True


def concerns_contact(rule: StoredRule, facts: Facts) -> bool:
    """Tell whether a rule looks at a contact: by its tags, and by where it stands."""
    wanted = rule.rule.trigger_filter.get("tag")
    if wanted is not None:
        tags = {str(tag).casefold() for tag in facts.read(("contact", "tags")) or ()}
        if not tags & {str(tag).casefold() for tag in _as_list(wanted)}:
            return False
    pipeline_id = rule.rule.pipeline_id
    return not rule.rule.bound or (pipeline_id is not None and facts.placed_in(pipeline_id))


def judge(
    rule: CompiledRule,
    heard: Heard,
    facts: Facts,
    contact: KnownToRules,
    *,
    new_id: Callable[[], str],
    now: datetime | None,
) -> Execution | None:
    """Return what a rule thinks of an event, None where it does not look at it at all.

    Without `now` the event may be as old as it is: that is for trying a rule on what happened long ago.
    """
    stored = rule.stored
    if not concerns_contact(stored, facts):
        return None
    reason = _held_back(stored, heard, contact, now)
    if reason is not None:
        return Execution(id=new_id(), rule=stored, heard=heard, matched=False, reason=reason)
    verdict = rule.condition(facts)
    reason = "condition_error" if verdict.error is not None else None if verdict.matched else "conditions"
    return Execution(
        id=new_id(),
        rule=stored,
        heard=heard,
        matched=verdict.matched,
        conditions=verdict.conditions,
        reason=reason,
    )


def _held_back(rule: StoredRule, heard: Heard, contact: KnownToRules, now: datetime | None) -> str | None:
    if contact.deleted:
        return "contact_deleted"
    if heard.actor == rule.actor:
        return "own_effect"
    if too_deep(heard):
        return "hop"
    most = rule.rule.max_event_age_minutes
    if most and now is not None and now - heard.occurred_at > timedelta(minutes=most):
        return "too_old"
    return None


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def template_scope(case: Case, now: datetime) -> Mapping[str, Any]:
    """Return the values of the variables of a rule's templates."""
    rule, heard = case.execution.rule.rule, case.execution.heard
    pipeline_id = rule.pipeline_id or heard.parameters.get("pipeline_id")
    standing = case.contact.standings.get(str(pipeline_id))
    return template_values(
        case.facts,
        project=case.project.name,
        pipeline=standing.pipeline_name if standing else None,
        status=standing.status_name if standing else None,
        now=now.astimezone(zone_of(case.project.zone)),
    )
