"""identity.project_created.v1: a workspace inside a tenant exists."""

from typing import Any, ClassVar

from contracts.fields import Wire


class IdentityProjectCreatedV1(Wire, kw_only=True):
    """`default_pipeline_id` is reserved here and used by whoever makes the pipeline."""

    TYPE: ClassVar[str] = "identity.project_created.v1"
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
    business_hours: dict[str, Any] = {}
    agent_assignment: dict[str, Any] = {}
    configuration: dict[str, Any] = {}
