"""The owner of a thing refused a wish: where a rule wished for it, that action was not done."""

from collections.abc import Sequence

from contracts.command.refused_v1 import CommandRefusedV1
from contracts.envelope import Event

from pipeline_automation.application.automation import Refusal
from pipeline_automation.application.record_refusals import record_refusals
from pipeline_automation.application.work import Work
from pipeline_automation.entrypoints.events.heard_in import heard

HEARS = CommandRefusedV1


async def on_command_refused(events: Sequence[Event[CommandRefusedV1]], work: Work) -> None:
    """Mark refused actions."""
    refused = [(event, event.data.execution_ref) for event in events if event.data.execution_ref is not None]
    refusals = [
        Refusal(
            tenant_id=event.tenantid,
            rule_id=ref.rule_id,
            execution_id=ref.execution_id,
            action_index=ref.action_index,
            detail=f"{event.data.code}: {event.data.detail}",
        )
        for event, ref in refused
    ]
    told = {ref.rule_id: heard(event, event.type, event.time) for event, ref in refused}
    await record_refusals(refusals, told, work)
