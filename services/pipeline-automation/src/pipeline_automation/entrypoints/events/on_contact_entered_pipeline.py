"""A contact was placed, by a rule or not: rules react."""

from collections.abc import Sequence

from contracts.contact.entered_pipeline_v1 import ContactEnteredPipelineV1
from contracts.envelope import Event

from pipeline_automation.application.run_rules import run_rules
from pipeline_automation.application.work import Work
from pipeline_automation.entrypoints.events.heard_in import contact_entered_pipeline
from pipeline_automation.entrypoints.events.whose import project_of

HEARS = ContactEnteredPipelineV1


async def on_contact_entered_pipeline(events: Sequence[Event[ContactEnteredPipelineV1]], work: Work) -> None:
    """Run rules for contacts that entered a pipeline."""
    await run_rules(
        "contact.entered_pipeline", [(project_of(event), event) for event in events], contact_entered_pipeline, work
    )
