"""A pipeline is gone: it allows nothing any more, and what was said of it before must not bring it back."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.pipeline.deleted_v1 import PipelineDeletedV1

from session.application.keep_timeouts import keep_timeouts
from session.application.work import Work
from session.domain.timeouts import Allowance

HEARS = PipelineDeletedV1


async def on_pipeline_deleted(events: Sequence[Event[PipelineDeletedV1]], work: Work) -> None:
    """Remember a batch."""
    await keep_timeouts(
        [Allowance(each.tenantid, each.data.pipeline_id, None, each.data.version) for each in events], work
    )
