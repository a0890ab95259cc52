"""A pipeline may say how long the sessions of its channels may be silent."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.pipeline.created_v1 import PipelineCreatedV1

from session.application.keep_timeouts import keep_timeouts
from session.application.work import Work
from session.domain.timeouts import Allowance, usable

HEARS = PipelineCreatedV1


async def on_pipeline_created(events: Sequence[Event[PipelineCreatedV1]], work: Work) -> None:
    """Remember a batch."""
    await keep_timeouts(
        [
            Allowance(
                each.tenantid,
                each.data.pipeline_id,
                usable(each.data.session_timeout_minutes),
                each.data.version,
            )
            for each in events
        ],
        work,
    )
