"""identity.project_updated.v1: settings of a workspace are others than before."""

from typing import Any, ClassVar

from contracts.fields import Wire


class IdentityProjectUpdatedV1(Wire, kw_only=True):
    """The snapshot of identity.project_created, `changed` naming the fields. The highest version is how it stands."""

    TYPE: ClassVar[str] = "identity.project_updated.v1"
    PUBLIC: ClassVar[str | None] = "projects"

    project_id: str
    name: str
    is_default: bool
    timezone: str
    country: str
    language: str
    session_timeout_minutes: int
    default_pipeline_id: str
    owner_user_id: str
    version: int
    changed: tuple[str, ...]
    business_hours: dict[str, Any] = {}
    agent_assignment: dict[str, Any] = {}
    configuration: dict[str, Any] = {}
