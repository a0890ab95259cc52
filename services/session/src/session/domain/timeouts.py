"""How long nobody may say anything before a session is over."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from session.domain.attendance import Message

DEFAULT_MINUTES = 30
LEAST_MINUTES, MOST_MINUTES = 1, 1440


def usable(minutes: int | None) -> int | None:
    """Return minutes that a session may have, None for any others: whoever says those says nothing."""
    return minutes if minutes is not None and LEAST_MINUTES <= minutes <= MOST_MINUTES else None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a pipeline or a project allows, as of a version of it; None: nothing of its own."""

    tenant_id: str
    owner_id: str
    minutes: int | None
    version: int


@dataclass(frozen=True, slots=True)
class Resting:
    """Whether sessions begin in a project, as of a version of it."""

    tenant_id: str
    project_id: str
    rests: bool
    version: int


@dataclass(frozen=True, slots=True)
class Timeouts:
    """What pipelines and projects allow, by tenant and id, and which projects rest."""

    allowed: Mapping[tuple[str, str], int] = field(default_factory=dict)
    default: int = DEFAULT_MINUTES
    resting: frozenset[tuple[str, str]] = frozenset()

    def let_begin(self, message: Message) -> bool:
        """Tell whether a session may begin with this message: in a project that rests none does."""
        return (message.tenant_id, message.project_id) not in self.resting

    def of(self, message: Message) -> int:
        """Return the minutes for a session that this message opens: the pipeline's, else the channel's, else the project's."""
        return (
            self.allowed.get((message.tenant_id, message.pipeline_id or ""))
            or usable(message.channel_minutes)
            or self.allowed.get((message.tenant_id, message.project_id))
            or self.default
        )
