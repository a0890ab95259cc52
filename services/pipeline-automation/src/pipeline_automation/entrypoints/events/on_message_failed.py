"""A message will not arrive: where a rule wished for it, that action was not done."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.message.failed_v1 import MessageFailedV1

from pipeline_automation.application.record_refusals import record_failed_messages
from pipeline_automation.application.work import Work
from pipeline_automation.entrypoints.events.heard_in import heard

HEARS = MessageFailedV1

FROM_RULES = "trigger"
"""The source of messages that rules wish for."""


async def on_message_failed(events: Sequence[Event[MessageFailedV1]], work: Work) -> None:
    """Mark the actions of failed messages."""
    ours = {(event.tenantid, event.data.message_id): event for event in events if event.data.source == FROM_RULES}
    await record_failed_messages(
        {key: f"{event.data.code}: {event.data.reason}" for key, event in ours.items()},
        {key: heard(event, event.type, event.time) for key, event in ours.items()},
        work,
    )
