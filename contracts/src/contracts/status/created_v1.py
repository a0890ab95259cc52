"""status.created.v1: a pipeline has a new status."""

from typing import ClassVar

from contracts.fields import Wire


class StatusCreatedV1(Wire, kw_only=True):
    """Full snapshot."""

    TYPE: ClassVar[str] = "status.created.v1"
    PUBLIC: ClassVar[str | None] = "pipelines"

    status_id: str
    pipeline_id: str
    name: str
    status_type: str
    color: str
    position: int
    active: bool
    version: int
    description: str | None = None
