"""A contact moved, by a rule or not: rules react."""

from collections.abc import Sequence

from contracts.contact.pipeline_status_changed_v1 import ContactPipelineStatusChangedV1
from contracts.envelope import Event

from pipeline_automation.application.run_rules import run_rules
from pipeline_automation.application.work import Work
from pipeline_automation.entrypoints.events.heard_in import contact_status_changed
from pipeline_automation.entrypoints.events.whose import project_of

HEARS = ContactPipelineStatusChangedV1


async def on_contact_pipeline_status_changed(
    events: Sequence[Event[ContactPipelineStatusChangedV1]], work: Work
) -> None:
    """Run rules for contacts that moved."""
    await run_rules("status.changed", [(project_of(event), event) for event in events], contact_status_changed, work)
