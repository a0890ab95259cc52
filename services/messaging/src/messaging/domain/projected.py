"""What other services tell of things that are theirs, as far as messaging keeps it. `version` is the owner's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class ChannelNews:
    """What a channel is like."""

    tenant_id: str
    id: str
    project_id: str
    version: int
    type: str
    name: str
    messaging_window_hours: int | None


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """Whether a channel works."""

    tenant_id: str
    id: str
    project_id: str
    version: int
    status: str


@dataclass(frozen=True, slots=True)
class ChannelEnd:
    """A channel was deleted: it does not come back, so there is nothing to compare its version with."""

    tenant_id: str
    id: str
    project_id: str
    at: datetime
    version: int = 0


@dataclass(frozen=True, slots=True)
class Resting:
    """Whether a project rests: nothing is sent there."""

    tenant_id: str
    project_id: str
    rests: bool
    version: int


@dataclass(frozen=True, slots=True)
class ContactNews:
    """What a contact is like."""

    tenant_id: str
    id: str
    project_id: str
    version: int
    name: str
    phone: str | None
    opted_out: bool


@dataclass(frozen=True, slots=True)
class ContactLife:
    """Whether a contact is deleted."""

    tenant_id: str
    id: str
    project_id: str
    version: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class LinkedHandle:
    """Where a contact is known, on one channel or on none in particular."""

    tenant_id: str
    contact_id: str
    channel_id: str | None
    kind: str
    value: str
    linked_at: datetime

    @property
    def key(self) -> tuple[str, str, str | None, str, str]:
        """Return what makes it the same one when it is told again."""
        return (self.tenant_id, self.contact_id, self.channel_id, self.kind, self.value)


@dataclass(frozen=True, slots=True)
class SessionNews:
    """A session that began or ended."""

    tenant_id: str
    id: str
    project_id: str
    chat_key: str
    at: datetime


class Versioned(Protocol):
    """News of one thing, with the version that its owner gave it."""

    @property
    def tenant_id(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...


N = TypeVar("N", bound=Versioned)


def newest(news: Iterable[N]) -> list[N]:
    """Return the newest news of each thing, sorted, so that two batches wait for each other instead of deadlocking."""
    found: dict[tuple[str, str], N] = {}
    for each in news:
        key = (each.tenant_id, each.id)
        if key not in found or each.version >= found[key].version:
            found[key] = each
    return [found[key] for key in sorted(found)]
