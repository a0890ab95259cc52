"""What automation does is usage."""

from collections.abc import Sequence

from contracts.automation_rule.executed_v1 import AutomationRuleExecutedV1
from contracts.envelope import Event

from billing.application.meter_executions import meter_executions
from billing.application.work import Work
from billing.domain.metering import Execution

HEARS = AutomationRuleExecutedV1


async def on_automation_rule_executed(events: Sequence[Event[AutomationRuleExecutedV1]], work: Work) -> None:
    """Count rules that were executed, each at the time of its event."""
    await meter_executions([execution_of(event) for event in events], work)


def execution_of(event: Event[AutomationRuleExecutedV1]) -> Execution:
    """Return what the meters need of an executed rule."""
    assert event.projectid is not None, "every rule belongs to a project"
    return Execution(tenant_id=event.tenantid, project_id=event.projectid, executed_at=event.time)
