"""identity.project_deleted.v1: a workspace is gone."""

from typing import ClassVar

from contracts.fields import Wire


class IdentityProjectDeletedV1(Wire, kw_only=True):
    """Its members were taken out of it, which is said of each."""

    TYPE: ClassVar[str] = "identity.project_deleted.v1"
    PUBLIC: ClassVar[str | None] = "projects"

    project_id: str
    version: int
