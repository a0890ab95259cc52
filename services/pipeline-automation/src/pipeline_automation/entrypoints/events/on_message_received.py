"""A contact wrote: rules react."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.message.received_v1 import MessageReceivedV1

from pipeline_automation.application.run_rules import run_rules
from pipeline_automation.application.work import Work
from pipeline_automation.entrypoints.events.heard_in import HISTORY, message_received
from pipeline_automation.entrypoints.events.whose import project_of

HEARS = MessageReceivedV1


async def on_message_received(events: Sequence[Event[MessageReceivedV1]], work: Work) -> None:
    """Run rules for messages."""
    await run_rules(
        "message.received",
        [(project_of(event), event) for event in events if event.data.origin != HISTORY],
        message_received,
        work,
    )
