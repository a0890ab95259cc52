"""pipeline.deleted.v1: a pipeline was deleted."""

from typing import ClassVar

from contracts.fields import Wire


class PipelineDeletedV1(Wire, kw_only=True):
    """Nothing used it any more."""

    TYPE: ClassVar[str] = "pipeline.deleted.v1"
    PUBLIC: ClassVar[str | None] = "pipelines"

    pipeline_id: str
    version: int
