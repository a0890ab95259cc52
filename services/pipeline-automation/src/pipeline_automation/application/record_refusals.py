"""A wish was refused by its owner: the action that wished for it was not done after all."""

from collections.abc import Mapping, Sequence

from pipeline_automation.application.automation import Refusal
from pipeline_automation.application.disable_rules import disable_rules
from pipeline_automation.application.work import Work
from pipeline_automation.domain.heard import Heard


async def record_refusals(refusals: Sequence[Refusal], heard: Mapping[str, Heard], work: Work) -> None:
    """Mark these actions refused; a rule that fails again and again is disabled. `heard` is by rule the event that told us."""
    executions = work.automation.executions
    failed = await executions.amend(refusals, work.now) if refusals else set()
    failing = await executions.failing(failed) if failed else set()
    await disable_rules({key: heard[key[1]] for key in failing}, "errors", work)


async def record_failed_messages(
    failed: Mapping[tuple[str, str], str], heard: Mapping[tuple[str, str], Heard], work: Work
) -> None:
    """Mark the actions refused whose messages (tenant, message → in words why) will not arrive; others' messages are not ours."""
    wished = await work.automation.executions.wished_by(failed) if failed else {}
    refusals = [
        Refusal(tenant_id=key[0], rule_id=rule_id, event_id=event_id, action_index=index, detail=failed[key])
        for key, (rule_id, event_id, index) in sorted(wished.items())
    ]
    await record_refusals(refusals, {rule_id: heard[key] for key, (rule_id, _, _) in wished.items()}, work)
