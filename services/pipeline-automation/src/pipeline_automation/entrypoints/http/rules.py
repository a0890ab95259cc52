"""Automation rules over HTTP: list, write, read, change, delete, switch, copy, order, and what they did."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import Query, Response
from kernel.errors import FieldError
from outbox.work import UnitOfWork
from postgres.listing import Listing
from web.auditing import TheTrail
from web.bodies import Id, PathId, Time
from web.caller import TheCaller, TheProject
from web.etags import IfMatch, check_version
from web.paging import AnyOf, ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from pipeline_automation.application.change_rule import change_rule as change
from pipeline_automation.application.create_rule import create_rule as create
from pipeline_automation.application.duplicate_rule import duplicate_rule as duplicate
from pipeline_automation.application.remove_rule import remove_rule as remove
from pipeline_automation.application.reorder_rules import reorder_rules as reorder
from pipeline_automation.application.switch_rule import switch_rule
from pipeline_automation.application.work import Work as RuleWork
from pipeline_automation.domain.pipeline import name_key
from pipeline_automation.domain.rule import TYPES
from pipeline_automation.domain.rule_checks import Problem, refuse
from pipeline_automation.entrypoints.http.rule_schemas import (
    Copy,
    ExecutionAnswer,
    NewRule,
    Order,
    OrderAnswer,
    PriorityAnswer,
    RuleAnswer,
    RuleChange,
    execution_answer,
    new_rule,
    rule_answer,
    rule_fields,
)

WorkOf = Callable[[UnitOfWork], RuleWork]
When = Annotated[Time | None, Query()]


def rule_routes(work_of: WorkOf, rules: Listing, executions: Listing) -> Routes:
    """Return the routes of rules; `rules` and `executions` are the lists that people may ask for."""
    routes = Routes("automation")

    async def answer(work: UnitOfWork, tenant_id: str, rule_id: str) -> RuleAnswer:
        return rule_answer(await work_of(work).automation.rules.row(tenant_id, rule_id))

    @routes.get("/automation/rules", permission="pipelines.view")
    async def list_rules(
        work: Work,
        caller: TheCaller,
        project_id: TheProject,
        page: Annotated[Paging, paging(rules, sort="priority")],
        automation_type: Annotated[list[str] | None, Query(), AnyOf(*TYPES)] = None,
        pipeline_id: Annotated[Id | None, Query()] = None,
        trigger: Annotated[list[str] | None, Query(), AnyOf()] = None,
        enabled: Annotated[bool | None, Query()] = None,
        name: Annotated[str | None, Query(max_length=255)] = None,
    ) -> ListAnswer[RuleAnswer]:
        """List rules in the order in which they run."""
        wanted = {
            "automation_type": automation_type,
            "pipeline_id": pipeline_id,
            "trigger": trigger,
            "enabled": enabled,
            "name": name and name_key(name),
        }
        return await page.answer(work.connection, caller.tenant_id, project_id, wanted=wanted, item=rule_answer)

    @routes.post("/automation/rules", permission="pipelines.manage", status=201)
    async def create_rule(
        body: NewRule, work: Work, caller: TheCaller, project_id: TheProject, response: Response
    ) -> RuleAnswer:
        """Write down a rule. What cannot run is refused with the place in the expression or template."""
        refuse(_not_available(body))
        rule_id = await create(new_rule(body), project_id, caller.cause, work_of(work))
        response.headers["Location"] = f"/api/v1/automation/rules/{rule_id}"
        return await answer(work, caller.tenant_id, rule_id)

    @routes.post("/automation/rules/reorder", permission="pipelines.manage", object_type="rule")
    async def reorder_rules(
        body: Order, work: Work, caller: TheCaller, project_id: TheProject, trail: TheTrail
    ) -> OrderAnswer:
        """Put all rules of a project in order."""
        places = await reorder(body.rule_ids, project_id, caller.cause, work_of(work))
        trail.changed("rule_ids", None, [rule_id for rule_id, _ in places])
        return OrderAnswer(data=[PriorityAnswer(id=rule_id, priority=priority) for rule_id, priority in places])

    @routes.get("/automation/rules/{rule_id}", permission="pipelines.view")
    async def get_rule(rule_id: PathId, work: Work, caller: TheCaller) -> RuleAnswer:
        """Read one rule."""
        return await answer(work, caller.tenant_id, rule_id)

    @routes.patch("/automation/rules/{rule_id}", permission="pipelines.manage")
    async def change_rule(
        rule_id: PathId, body: RuleChange, work: Work, caller: TheCaller, expected: IfMatch
    ) -> RuleAnswer:
        """Change some fields of a rule; it gets another revision."""
        refuse(_not_available(body))
        await change(rule_id, rule_fields(body), caller.cause, partial(check_version, expected), work_of(work))
        return await answer(work, caller.tenant_id, rule_id)

    @routes.delete("/automation/rules/{rule_id}", permission="pipelines.manage", role="admin")
    async def delete_rule(rule_id: PathId, work: Work, caller: TheCaller, expected: IfMatch) -> None:
        """Delete a rule."""
        await remove(rule_id, caller.cause, partial(check_version, expected), work_of(work))

    @routes.post("/automation/rules/{rule_id}/enable", permission="pipelines.manage")
    async def enable_rule(rule_id: PathId, work: Work, caller: TheCaller) -> RuleAnswer:
        """Let a rule run."""
        await switch_rule(rule_id, enabled=True, by=caller.cause, work=work_of(work))
        return await answer(work, caller.tenant_id, rule_id)

    @routes.post("/automation/rules/{rule_id}/disable", permission="pipelines.manage")
    async def disable_rule(rule_id: PathId, work: Work, caller: TheCaller) -> RuleAnswer:
        """Let a rule rest."""
        await switch_rule(rule_id, enabled=False, by=caller.cause, work=work_of(work))
        return await answer(work, caller.tenant_id, rule_id)

    @routes.post("/automation/rules/{rule_id}/duplicate", permission="pipelines.manage", status=201)
    async def duplicate_rule(
        rule_id: PathId, work: Work, caller: TheCaller, response: Response, body: Copy | None = None
    ) -> RuleAnswer:
        """Write a rule down again, disabled."""
        copy_id = await duplicate(rule_id, body.name if body else None, caller.cause, work_of(work))
        response.headers["Location"] = f"/api/v1/automation/rules/{copy_id}"
        return await answer(work, caller.tenant_id, copy_id)

    @routes.get("/automation/rules/{rule_id}/executions", permission="pipelines.view")
    async def list_executions(
        rule_id: PathId,
        work: Work,
        caller: TheCaller,
        page: Annotated[Paging, paging(executions, sort="-created_at")],
        state: Annotated[list[str] | None, Query(), AnyOf("succeeded", "partly_failed", "failed", "skipped")] = None,
        matched: Annotated[bool | None, Query()] = None,
        contact_id: Annotated[Id | None, Query()] = None,
        created_after: When = None,
        created_before: When = None,
    ) -> ListAnswer[ExecutionAnswer]:
        """List what a rule looked at, newest first: what matched, what did not and why, and what was done."""
        await work_of(work).automation.rules.row(caller.tenant_id, rule_id)
        wanted: dict[str, Any] = {
            "state": state,
            "matched": matched,
            "contact_id": contact_id,
            "created_after": created_after,
            "created_before": created_before,
        }
        return await page.answer(work.connection, caller.tenant_id, rule_id, wanted=wanted, item=execution_answer)

    return routes


def _not_available(body: RuleChange) -> list[Problem]:
    """Return what people may write one day: delays, schedules, business hours."""
    problems = []
    for index, action in enumerate(body.actions):
        if action.delay_minutes or action.recheck_conditions or action.cancel_on_reply:
            words = "actions run at once: delays are not available yet"
            problems.append(Problem(FieldError(f"/actions/{index}/delay_minutes", "not_allowed", words), "no_delays"))
    if body.schedule is not None:
        words = "scheduled rules are not available yet"
        problems.append(Problem(FieldError("/schedule", "not_allowed", words), "no_schedules"))
    if body.only_during_business_hours:
        words = "business hours are not available yet"
        problems.append(Problem(FieldError("/only_during_business_hours", "not_allowed", words), "no_business_hours"))
    return problems
