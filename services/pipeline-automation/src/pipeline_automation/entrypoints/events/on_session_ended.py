"""An attendance ended: rules react."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.session.ended_v1 import SessionEndedV1

from pipeline_automation.application.run_rules import run_rules
from pipeline_automation.application.work import Work
from pipeline_automation.entrypoints.events.heard_in import session_ended
from pipeline_automation.entrypoints.events.whose import project_of

HEARS = SessionEndedV1


async def on_session_ended(events: Sequence[Event[SessionEndedV1]], work: Work) -> None:
    """Run rules for ended sessions."""
    await run_rules("session.ended", [(project_of(event), event) for event in events], session_ended, work)
