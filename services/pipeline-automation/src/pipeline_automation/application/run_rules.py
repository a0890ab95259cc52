"""Let the rules look at what happened, and do what they want done.

Whatever the number of events and rules, a batch costs a fixed number of statements, in projects without rules one; only what
would take too long to think about goes in portions.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from pipeline_automation.application.automation import ContactKey
from pipeline_automation.application.carry_out import address_of, carry_out
from pipeline_automation.application.disable_rules import disable_rules
from pipeline_automation.application.judge import Case, concerns, judge
from pipeline_automation.application.rule_book import CompiledRule, Project, ProjectRules
from pipeline_automation.application.wait_for_contacts import wait_for_contacts
from pipeline_automation.application.work import Work
from pipeline_automation.domain.execution import Execution
from pipeline_automation.domain.facts import NOBODY, KnownToRules, facts_of
from pipeline_automation.domain.heard import Heard
from pipeline_automation.domain.loop_guard import PAUSE_MINUTES, Chat, LoopGuard, Past

E = TypeVar("E")

MOST_JUDGED, MOST_RUNNING = 10_000, 1000
"""How many looks of a rule at an event, and how many executions, make one portion of work: under a second of it."""


async def run_rules(trigger: str, events: Sequence[tuple[Project, E]], hear: Callable[[E], Heard], work: Work) -> None:
    """Run the rules of what was heard, in this order; the rules of one event by priority.

    `hear` translates an event, which is done only for those that a rule could look at.
    """
    if not events:
        return
    automation = work.automation
    kept = automation.sampling.pick([project for project, _ in events], work.now)
    if kept:
        await automation.trigger_events.keep([hear(events[place][1]) for place in kept], work.now)
    rules = await automation.rules_of({project for project, _ in events})
    concerned = {project: each for project, each in rules.items() if trigger in each.by_trigger}
    candidates = [
        (heard, of_event)
        for project, event in events
        if project in concerned
        for heard in (hear(event),)
        if (of_event := [rule for rule in concerned[project].by_trigger[trigger] if concerns(rule, heard)])
    ]
    if candidates:
        contacts = await _contacts_of([heard for heard, _ in candidates], work)
        for cases in portions(_judge_all(candidates, contacts, concerned, work)):
            await _act(cases, work)


async def run_waiting_rules(contacts: Collection[ContactKey], work: Work) -> None:
    """Run the rules of events that waited for these contacts, of which we know now."""
    if not contacts:
        return
    waited = await work.automation.trigger_events.no_longer_waiting(contacts)
    for trigger in sorted({each.trigger for each in waited}):
        events = [(each.project, each) for each in waited if each.trigger == trigger]
        await run_rules(trigger, events, lambda each: each, work)


async def _contacts_of(heard: Sequence[Heard], work: Work) -> Mapping[ContactKey, KnownToRules]:
    """Return what is known of the contacts; those of whom nothing is known yet are missing, and their events wait."""
    known = work.automation.contacts
    found = await known.of({each.contact for each in heard if each.contact is not None})
    unheard_of = [each for each in heard if each.contact is not None and not _is_known(found.get(each.contact))]
    if not unheard_of:
        return found
    just_known = await wait_for_contacts(unheard_of, work)
    late = await known.of({each.contact for each in just_known if each.contact is not None}) if just_known else {}
    return {**{key: contact for key, contact in found.items() if _is_known(contact)}, **late}


def _is_known(contact: KnownToRules | None) -> bool:
    return contact is not None and (contact.known or contact.deleted)


def _judge_all(
    candidates: Sequence[tuple[Heard, Sequence[CompiledRule]]],
    contacts: Mapping[ContactKey, KnownToRules],
    projects: Mapping[Project, ProjectRules],
    work: Work,
) -> Iterator[Case]:
    for heard, rules in candidates:
        if heard.contact is not None and heard.contact not in contacts:
            continue
        project = projects[heard.project]
        contact = contacts[heard.contact] if heard.contact else NOBODY
        facts = facts_of(heard, contact, project.zone, work.now)
        for rule in rules:
            execution = judge(rule, heard, facts, contact, new_id=work.new_id, now=work.now)
            if execution is not None:
                yield Case(execution=execution, rule=rule, facts=facts, contact=contact, project=project)


def portions(cases: Iterable[Case]) -> Iterator[list[Case]]:
    """Cut what rules made of a batch where it is too much to think about between two statements.

    A transaction that is silent for five seconds is taken for one whose process fell asleep, and ended.
    """
    portion: list[Case] = []
    running = 0
    for case in cases:
        portion.append(case)
        running += case.execution.reason is None
        if len(portion) >= MOST_JUDGED or running >= MOST_RUNNING:
            yield portion
            portion, running = [], 0
    if portion:
        yield portion


async def _act(cases: Sequence[Case], work: Work) -> None:
    executions = work.automation.executions
    guard = await _guard(cases, work)
    running = [case for case in cases if case.execution.reason is None]
    for case in running:
        work.announcements.rule_triggered(case.execution)
    messages = await carry_out(running, guard, work)
    await executions.keep([case.execution for case in cases], work.now)
    if messages:
        await executions.keep_messages(messages, work.now)
    for case in running:
        work.announcements.rule_ran(case.execution)
    await _tell_of_loops([case.execution for case in cases], guard, work)
    await _break([case.execution for case in running], guard, work)


async def _guard(cases: Sequence[Case], work: Work) -> LoopGuard:
    """Hold back what runs in circles; return what decides about chats."""
    matched = [case for case in cases if case.execution.reason is None]
    past = Past()
    if matched:
        chats = {chat for case in matched for chat in _chats(case)}
        past = await work.automation.executions.past([case.execution for case in matched], chats, work.now)
    guard = LoopGuard(past)
    for execution in (case.execution for case in matched):
        if (execution.rule.tenant_id, execution.rule.id, execution.heard.event_id) in past.looked_at:
            execution.reason = "looked_at"
        else:
            execution.reason = guard.stops(execution.rule, execution.heard)
    return guard


def _chats(case: Case) -> Iterator[Chat]:
    for action in case.execution.rule.rule.actions:
        if action.action == "send_message":
            chat_key, _ = address_of(action, case)
            if chat_key is not None:
                yield (case.execution.heard.tenant_id, chat_key)


async def _tell_of_loops(executions: Sequence[Execution], guard: LoopGuard, work: Work) -> None:
    for execution in executions:
        if execution.reason in ("hop", "same_chain"):
            kind = "hop" if execution.reason == "hop" else "same_rule"
            work.announcements.loop_detected(execution.rule, execution.heard, kind)
    busy = {
        (each.rule.tenant_id, each.rule.id, each.heard.contact_id): each
        for each in reversed(executions)
        if each.reason == "budget" and each.heard.contact_id is not None
    }
    if busy:
        for key in sorted(await work.automation.executions.first_notices(busy, work.now)):
            work.announcements.loop_detected(busy[key].rule, busy[key].heard, "budget")
    if guard.new_pauses:
        await work.automation.executions.pause(guard.new_pauses, work.now + timedelta(minutes=PAUSE_MINUTES))
        for (_, chat_key), (rule, heard) in guard.new_pauses.items():
            work.announcements.loop_detected(rule, heard, "ping_pong", chat_key=chat_key)


async def _break(executions: Sequence[Execution], guard: LoopGuard, work: Work) -> None:
    because = {(each.rule.tenant_id, each.rule.id): each.heard for each in reversed(executions)}
    failed = {(each.rule.tenant_id, each.rule.id) for each in executions if each.state == "failed"}
    failing = await work.automation.executions.failing(failed) if failed else set()
    await disable_rules(guard.too_busy, "budget", work)
    await disable_rules({key: because[key] for key in failing - guard.too_busy.keys()}, "errors", work)
