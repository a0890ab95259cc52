"""An attendance began: rules react."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.session.started_v1 import SessionStartedV1

from pipeline_automation.application.run_rules import run_rules
from pipeline_automation.application.work import Work
from pipeline_automation.entrypoints.events.heard_in import HISTORY, session_started
from pipeline_automation.entrypoints.events.whose import project_of

HEARS = SessionStartedV1


async def on_session_started(events: Sequence[Event[SessionStartedV1]], work: Work) -> None:
    """Run rules for sessions that began."""
    await run_rules(
        "session.started",
        [(project_of(event), event) for event in events if event.data.origin != HISTORY],
        session_started,
        work,
    )
