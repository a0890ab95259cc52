"""pipeline.created.v1: a pipeline exists."""

from typing import ClassVar

from contracts.fields import Wire
from contracts.pipeline.pipeline_status import PipelineStatus


class PipelineCreatedV1(Wire, kw_only=True):
    """Full snapshot with its statuses."""

    TYPE: ClassVar[str] = "pipeline.created.v1"
    PUBLIC: ClassVar[str | None] = "pipelines"

    pipeline_id: str
    name: str
    color: str
    position: int
    active: bool
    is_default: bool
    version: int
    description: str | None = None
    session_timeout_minutes: int | None = None
    enable_ai_summary: bool = False
    statuses: tuple[PipelineStatus, ...] = ()
