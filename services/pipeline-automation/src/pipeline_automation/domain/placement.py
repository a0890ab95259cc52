"""Where contacts stand: at most one open placement per contact and pipeline, and the closed ones are history."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from kernel.errors import DomainError, FieldError

from pipeline_automation.domain.pipeline import Status

Key = tuple[str, str, str]
"""Tenant, contact, pipeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What a contact is worth in a pipeline: minor units of one of BRL, USD, EUR, GBP."""

    amount: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A wish that a contact stand in a status. Without `pipeline_id` it is the status's own pipeline.

    `actor` is who moves (`user:<id>`, `rule:<id>`, …); `because` is the Cause or the event heard, for the announcement;
    `hop` is one more than the event's where a rule moves.
    """

    tenant_id: str
    project_id: str
    contact_id: str
    status_id: str
    actor: str
    because: Any
    pipeline_id: str | None = None
    hop: int | None = None
    reason: str | None = None
    notes: str | None = None
    lost_reason: str | None = None
    value: Money | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A status to which contacts may be moved, and its pipeline."""

    tenant_id: str
    project_id: str
    pipeline_id: str
    pipeline_active: bool
    status: Status


@dataclass(slots=True, kw_only=True)
class Placement:
    """One stay of a contact in a status; open while it has no end."""

    tenant_id: str
    project_id: str
    id: str
    contact_id: str
    pipeline_id: str
    status: Status
    from_status: Status | None
    entered_at: datetime
    changed_by: str
    exited_at: datetime | None = None
    reason: str | None = None
    notes: str | None = None
    lost_reason: str | None = None
    value: Money | None = None

    @property
    def key(self) -> Key:
        """Return the key of which only one may be open."""
        return (self.tenant_id, self.contact_id, self.pipeline_id)

    def end(self, now: datetime) -> datetime:
        """End the stay and return when: strictly after its begin, even where clocks differ, so that history has one order."""
        self.exited_at = max(now, self.entered_at + timedelta(microseconds=1))
        return self.exited_at


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a move. `unknown`: no such contact is known yet. Whatever did not move has its `refusal`."""

    move: Move
    result: Literal["moved", "unchanged", "refused", "unknown"]
    refusal: DomainError | None = None
    before: Placement | None = None
    after: Placement | None = None

    @property
    def seconds_in_previous(self) -> int | None:
        """Return how long the contact had stood where it stood."""
        if self.before is None or self.after is None:
            return None
        return int((self.after.entered_at - self.before.entered_at).total_seconds())


class Standing:
    """Who stands where, and what changes about it in one transaction: `closed` of what was found, and `opened`."""

    def __init__(
        self, contacts: Iterable[tuple[str, str, str]], placements: Iterable[Placement], targets: Iterable[Target]
    ) -> None:
        """`contacts` are (tenant, project, contact) of those who exist, `placements` the open ones in question."""
        self._contacts = set(contacts)
        self._found = list(placements)
        self._open = {each.key: each for each in self._found}
        self._targets = {(each.tenant_id, each.project_id, each.status.id): each for each in targets}
        self.opened: list[Placement] = []

    @property
    def closed(self) -> list[Placement]:
        """Return what was open when it was found and is so no longer."""
        return [each for each in self._found if each.exited_at is not None]

    def move(self, move: Move, now: datetime, new_id: Callable[[], str]) -> Outcome:
        """Make a contact stand in a status, or say why not."""
        if (move.tenant_id, move.project_id, move.contact_id) not in self._contacts:
            return Outcome(move, "unknown", DomainError("not_found", "there is no such contact"))
        target = self._targets.get((move.tenant_id, move.project_id, move.status_id))
        refusal = _refusal(move, target)
        if target is None or refusal is not None:
            return Outcome(move, "refused", refusal)
        before = self._open.get((move.tenant_id, move.contact_id, target.pipeline_id))
        if before is not None and before.status.id == target.status.id:
            words = "the contact stands in that status already"
            refusal = DomainError("invalid_state", words, current_state=before.status.name)
            return Outcome(move, "unchanged", refusal, before)
        at = before.end(now) if before else now
        after = Placement(
            tenant_id=move.tenant_id,
            project_id=move.project_id,
            id=new_id(),
            contact_id=move.contact_id,
            pipeline_id=target.pipeline_id,
            status=target.status,
            from_status=before.status if before else None,
            entered_at=at,
            changed_by=move.actor,
            reason=move.reason,
            notes=move.notes,
            lost_reason=move.lost_reason,
            value=move.value or (before.value if before else None),
        )
        self._open[after.key] = after
        self.opened.append(after)
        return Outcome(move, "moved", None, before, after)


def _refusal(move: Move, target: Target | None) -> DomainError | None:
    if target is None:
        missing = FieldError("/status_id", "not_found", "there is no such status")
        return DomainError("not_found", "there is no such status", fields=(missing,))
    if move.pipeline_id is not None and move.pipeline_id != target.pipeline_id:
        wrong = FieldError("/status_id", "not_allowed", "a status of that pipeline expected")
        return DomainError(
            "rule_violated", "the status belongs to another pipeline", fields=(wrong,), rule="status_of_pipeline"
        )
    if not target.pipeline_active:
        return DomainError("invalid_state", "the pipeline is not active", current_state="inactive")
    if not target.status.active:
        return DomainError("invalid_state", "the status is not active", current_state="inactive")
    return None
