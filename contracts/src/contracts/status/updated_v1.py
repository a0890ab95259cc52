"""status.updated.v1: a status of a pipeline changed."""

from typing import ClassVar

from contracts.fields import Wire


class StatusUpdatedV1(Wire, kw_only=True):
    """The snapshot after the change, and which fields changed."""

    TYPE: ClassVar[str] = "status.updated.v1"
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
    changed: tuple[str, ...] = ()
