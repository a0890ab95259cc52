"""Trying rules over HTTP, without effects."""

from collections.abc import Callable

from kernel.errors import DomainError, FieldError
from outbox.work import UnitOfWork
from web.bodies import PathId
from web.caller import TheCaller
from web.routes import Routes
from web.works import Work

from pipeline_automation.application.try_rule import try_event, try_last_events, try_sample
from pipeline_automation.application.work import Work as RuleWork
from pipeline_automation.entrypoints.http.rule_schemas import (
    DryRun,
    DryRunAnswer,
    TestEvent,
    TrialAnswer,
    trial_answer,
)

WorkOf = Callable[[UnitOfWork], RuleWork]


def rule_trial_routes(work_of: WorkOf) -> Routes:
    """Return the routes by which people try rules."""
    routes = Routes("automation")

    @routes.post("/automation/rules/{rule_id}/test", permission="pipelines.manage", writes=False)
    async def test_rule(rule_id: PathId, body: TestEvent, work: Work, caller: TheCaller) -> TrialAnswer:
        """Try a rule on one event: sample parameters, or an event that was heard. Nothing runs."""
        if (body.event is None) == (body.event_id is None):
            field = FieldError("/event", "missing", "either event or event_id")
            raise DomainError("validation_failed", "1 field needs attention", fields=(field,))
        mine = work_of(work)
        stored = await mine.automation.rules.read(caller.tenant_id, rule_id)
        if body.event_id is not None:
            return trial_answer(await try_event(stored, body.event_id, mine))
        return trial_answer(await try_sample(stored, body.event or {}, mine))

    @routes.post("/automation/rules/{rule_id}/dry-run", permission="pipelines.manage", writes=False)
    async def dry_run_rule(rule_id: PathId, work: Work, caller: TheCaller, body: DryRun | None = None) -> DryRunAnswer:
        """Try a rule on the last events of its trigger, newest first. Nothing runs."""
        mine = work_of(work)
        stored = await mine.automation.rules.read(caller.tenant_id, rule_id)
        trials, complete = await try_last_events(stored, (body or DryRun()).last, mine)
        return DryRunAnswer(
            events=len(trials),
            matched=sum(trial.matched for trial in trials),
            complete=complete,
            data=[trial_answer(trial) for trial in trials],
        )

    return routes
