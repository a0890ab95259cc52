"""What we know of the projects and channels around contacts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProject:
    """A project. `default_pipeline_id` was reserved for its first pipeline."""

    tenant_id: str
    id: str
    name: str
    language: str
    timezone: str
    default_pipeline_id: str
    version: int

    @property
    def key(self) -> tuple[str, str]:
        """Return tenant and project."""
        return (self.tenant_id, self.id)


@dataclass(frozen=True, slots=True)
class Resting:
    """Whether the rules of a project rest, as of a version of it."""

    tenant_id: str
    id: str
    rests: bool
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownChannel:
    """A channel. `pipeline_id` is where those whom it brings begin."""

    tenant_id: str
    project_id: str
    id: str
    name: str
    type: str
    pipeline_id: str | None
    version: int
