"""A workspace inside a tenant: what may be said of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kernel.errors import DomainError

from identity.domain.account import SESSION_TIMEOUT_MINUTES, read_language, read_timezone
from identity.domain.business_hours import check_business_hours
from identity.domain.refusals import refused

MOST_PROJECTS = 100
"""Of one tenant: a sign-in names no more."""


@dataclass(frozen=True, slots=True)
class Project:
    """A workspace. `default_pipeline_id` is reserved here, for the service that makes the pipeline."""

    tenant_id: str
    id: str
    version: int
    name: str
    timezone: str
    country: str
    language: str
    default_pipeline_id: str
    owner_user_id: str
    description: str | None = None
    is_default: bool = False
    active: bool = True
    session_timeout_minutes: int = SESSION_TIMEOUT_MINUTES
    business_hours: Mapping[str, Any] = field(default_factory=dict)
    agent_assignment: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownChannel:
    """A channel as far as we have to know it."""

    tenant_id: str
    id: str
    project_id: str
    version: int = 0
    works: bool = False


def changed(project: Project, asked: Mapping[str, Any]) -> tuple[Project, Sequence[str]]:
    """Return the project as it is asked to be, and the names of what is other than before.

    Raises validation_failed naming the field: a language or zone that does not exist, or null where something has to stand.
    """
    for name, value in asked.items():
        if value is None and name != "description":
            raise refused(name, "not_allowed", "this cannot be empty")
    if "language" in asked:
        read_language(asked["language"])
    if "timezone" in asked:
        read_timezone(asked["timezone"])
    if "business_hours" in asked:
        check_business_hours(asked["business_hours"])
    other = sorted(name for name, value in asked.items() if getattr(project, name) != value)
    return replace(project, **{name: asked[name] for name in other}), other


def refuse_deleting(project: Project, active_channels: int) -> None:
    """Raise invalid_state for the default project, which is the last one at the latest; not_empty while a channel works there."""
    if project.is_default:
        raise DomainError("invalid_state", "the default project stays", current_state="default")
    if active_channels:
        raise DomainError(
            "not_empty", "channels of the project still work; deactivate them first", channels=active_channels
        )
