"""Try a rule on what happened, or on what might: what matches, what does not and why, and what would be done. Nothing is."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.errors import DomainError, FieldError

from pipeline_automation.application.judge import Case, concerns, judge, template_scope
from pipeline_automation.application.rule_book import CompiledRule, ProjectRules
from pipeline_automation.application.work import Work
from pipeline_automation.domain.actions import Action
from pipeline_automation.domain.errors import UnrenderableError
from pipeline_automation.domain.facts import NOBODY, KnownToRules, facts_of
from pipeline_automation.domain.heard import Heard
from pipeline_automation.domain.rule import StoredRule
from pipeline_automation.domain.rule_checks import fits
from pipeline_automation.domain.triggers import TRIGGERS, Trigger

MOST_SECONDS = 3.0
"""How long one try may take; what was not looked at by then is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a rule would make of an event. `reason` tells why it would not run."""

    heard: Heard
    matched: bool
    reason: str | None
    conditions: Sequence[Mapping[str, Any]]
    actions: Sequence[Mapping[str, Any]]


async def try_last_events(stored: StoredRule, last: int, work: Work) -> tuple[list[Trial], bool]:
    """Try a rule on the last events of its trigger, the newest first; tell also whether there was time for all.

    Contacts are taken as they are now. The age of events does not matter, and neither does what other executions did.
    """
    heard = await work.automation.trigger_events.last(stored.tenant_id, stored.project_id, stored.rule.trigger, last)
    return await _try_all(stored, heard, work)


async def try_event(stored: StoredRule, event_id: str, work: Work) -> Trial:
    """Try a rule on one event that was heard; raise not_found where that is not kept."""
    heard = await work.automation.trigger_events.get(stored.tenant_id, stored.project_id, event_id)
    if heard is None or heard.trigger != stored.rule.trigger:
        raise DomainError("not_found", "there is no such event of the rule's trigger, or not any more")
    trials, _ = await _try_all(stored, [heard], work)
    return trials[0]


async def try_sample(stored: StoredRule, parameters: Mapping[str, Any], work: Work) -> Trial:
    """Try a rule on an event that never happened, described by the trigger's parameters; raise validation_failed."""
    trigger = TRIGGERS[stored.rule.trigger]
    fields = tuple(_flaws(parameters, trigger))
    if fields:
        raise DomainError("validation_failed", "the event is not one of this trigger", fields=fields)
    text = {name: value for name, value in parameters.items() if isinstance(value, str)}
    message = {name: text.get(name) for name in ("text", "content_type", "chat_type")}
    heard = Heard(
        tenant_id=stored.tenant_id,
        project_id=stored.project_id,
        event_id=work.new_id(),
        trigger=trigger.code,
        occurred_at=work.now,
        actor="test",
        hop=0,
        correlation_id=work.new_id(),
        parameters=dict(parameters),
        contact_id=text.get("contact_id"),
        session_id=text.get("session_id"),
        channel_id=text.get("channel_id"),
        message=message if trigger.category == "message" else {},
    )
    trials, _ = await _try_all(stored, [heard], work)
    return trials[0]


def _flaws(parameters: Mapping[str, Any], trigger: Trigger) -> Iterator[FieldError]:
    for name, value in parameters.items():
        kind = trigger.parameters.get(name)
        if kind is None:
            yield FieldError(f"/event/{name}", "unknown_field", f"this trigger has {', '.join(trigger.parameters)}")
        elif value is not None and not fits(value, kind):
            yield FieldError(f"/event/{name}", "wrong_type", f"{kind} expected")


async def _try_all(stored: StoredRule, heard: Sequence[Heard], work: Work) -> tuple[list[Trial], bool]:
    automation = work.automation
    rule = automation.book.compile(stored)
    sets = await automation.rules.sets({(stored.tenant_id, stored.project_id): None})
    project = ProjectRules(name=sets[0].name, zone=sets[0].zone) if sets else ProjectRules()
    contacts = await automation.contacts.of({each.contact for each in heard if each.contact is not None})
    trials: list[Trial] = []
    until = time.monotonic() + MOST_SECONDS
    for each in heard:
        if time.monotonic() > until:
            return trials, False
        trials.append(_try(rule, each, contacts.get(each.contact, NOBODY) if each.contact else NOBODY, project, work))
        await asyncio.sleep(0)  # many events of costly templates must not keep others waiting
    return trials, True


def _try(rule: CompiledRule, heard: Heard, contact: KnownToRules, project: ProjectRules, work: Work) -> Trial:
    facts = facts_of(heard, contact, project.zone, work.now)
    execution = judge(rule, heard, facts, contact, new_id=work.new_id, now=None) if concerns(rule, heard) else None
    if execution is None:
        return Trial(heard=heard, matched=False, reason="not_concerned", conditions=(), actions=())
    case = Case(execution=execution, rule=rule, facts=facts, contact=contact, project=project)
    return Trial(
        heard=heard,
        matched=execution.matched,
        reason=execution.reason,
        conditions=execution.conditions,
        actions=_rendered(case, work) if execution.matched else (),
    )


def _rendered(case: Case, work: Work) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    stopped = False
    for index, action in enumerate(case.rule.stored.rule.actions):
        rendered, detail = _render(index, action, case, work)
        shown.append(
            {
                "index": index,
                "code": action.action,
                "rendered": rendered,
                "would_run": not stopped and detail is None,
                "detail": "stopped" if stopped else detail,
            }
        )
        stopped = stopped or (detail is not None and case.rule.stored.rule.on_error == "stop")
    return shown


def _render(index: int, action: Action, case: Case, work: Work) -> tuple[dict[str, Any], str | None]:
    if action.action != "send_message":
        return dict(action.parameters), None
    try:
        text = case.rule.templates[index].render(template_scope(case, work.now))
    except UnrenderableError as error:
        return {**action.parameters, "content": None}, str(error)
    return {**action.parameters, "content": text}, None
