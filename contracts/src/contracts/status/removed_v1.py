"""status.removed.v1: a pipeline lost a status."""

from typing import ClassVar

from contracts.fields import Wire


class StatusRemovedV1(Wire, kw_only=True):
    """Contacts that stood there were moved."""

    TYPE: ClassVar[str] = "status.removed.v1"
    PUBLIC: ClassVar[str | None] = "pipelines"

    status_id: str
    pipeline_id: str
    name: str
    moved_to_status_id: str | None = None
