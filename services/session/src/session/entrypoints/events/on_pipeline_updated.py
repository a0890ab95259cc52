"""A pipeline changed, perhaps in how long the sessions of its channels may be silent."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.pipeline.updated_v1 import PipelineUpdatedV1

from session.application.keep_timeouts import keep_timeouts
from session.application.work import Work
from session.domain.timeouts import Allowance, usable

HEARS = PipelineUpdatedV1


async def on_pipeline_updated(events: Sequence[Event[PipelineUpdatedV1]], work: Work) -> None:
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
