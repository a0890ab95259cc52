"""What placements look like over HTTP."""

from typing import Annotated, Any, Literal

from kernel.errors import DomainError, FieldError
from pydantic import Field
from web.bodies import Answer, Body, Id, Time

from pipeline_automation.application.reading import Row
from pipeline_automation.domain.placement import Money, Outcome

MOST_MOVES = 100

Reason = Annotated[str, Field(max_length=500)]
Amount = Annotated[int, Field(ge=0, le=9_000_000_000_000_000)]


class PlacementChange(Body):
    """Where a contact is to stand. Amounts are minor units; amount and currency go together."""

    pipeline_id: Id
    status_id: Id
    reason: Reason | None = None
    notes: Annotated[str, Field(max_length=10_000)] | None = None
    value_amount: Amount | None = None
    currency: Literal["BRL", "USD", "EUR", "GBP"] | None = None
    lost_reason: Reason | None = None

    def value(self) -> Money | None:
        """Return what the contact is worth there, if that was said; raise validation_failed for half of it."""
        if self.value_amount is not None and self.currency is not None:
            return Money(amount=self.value_amount, currency=self.currency)
        if self.value_amount is None and self.currency is None:
            return None
        missing = "currency" if self.currency is None else "value_amount"
        problem = FieldError(f"/{missing}", "missing", "amount and currency go together")
        raise DomainError("validation_failed", "1 field needs attention", fields=(problem,))


class Moves(Body):
    """Contacts that are all to stand in one status."""

    contact_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_MOVES)]
    status_id: Id
    reason: Reason | None = None


class MoveAnswer(Answer):
    """A contact was moved."""

    contact_id: Id
    pipeline_id: Id
    previous_status_id: Id | None
    previous_status_name: str | None
    new_status_id: Id
    new_status_name: str
    reason: str | None
    changed_at: Time


class MoveError(Answer):
    """Why a contact was not moved."""

    code: str
    detail: str


class MovedItem(Answer):
    """What became of one contact of many: `ok`, `unchanged` or `error`."""

    contact_id: Id
    status: str
    error: MoveError | None


class MovesAnswer(Answer):
    """What became of each."""

    data: list[MovedItem]


class PlacedContact(Answer):
    """The contact on a card."""

    id: Id
    name: str | None
    email: str | None
    phone: str | None
    tags: list[str]


class PlacementAnswer(Answer):
    """Where a contact stands in a pipeline."""

    id: Id
    tenant_id: Id
    project_id: Id
    version: int
    created_at: Time
    updated_at: Time
    contact_id: Id
    pipeline_id: Id
    status_id: Id
    status_name: str
    entered_at: Time
    exited_at: Time | None
    duration_seconds: int
    value_amount: int | None
    currency: str | None
    lost_reason: str | None
    notes: str | None
    changed_by: str
    reason: str | None
    contact: PlacedContact | None = None


class HistoryEntry(Answer):
    """One move of a contact, and how long it stayed; null while it stays."""

    id: Id
    pipeline_id: Id
    from_status_id: Id | None
    to_status_id: Id
    changed_by: str
    reason: str | None
    changed_at: Time
    duration_seconds: int | None


def card(row: Row) -> PlacementAnswer:
    """Return a placement with its contact."""
    contact: dict[str, Any] = {name: row[f"contact_{name}"] for name in ("id", "name", "email", "phone", "tags")}
    return PlacementAnswer.of(row, contact=contact)


def move_answer(outcome: Outcome) -> MoveAnswer:
    """Return the answer for a move; raise its refusal where there was none."""
    if outcome.after is None:
        assert outcome.refusal is not None
        raise outcome.refusal
    before, after = outcome.before, outcome.after
    return MoveAnswer(
        contact_id=after.contact_id,
        pipeline_id=after.pipeline_id,
        previous_status_id=before.status.id if before else None,
        previous_status_name=before.status.name if before else None,
        new_status_id=after.status.id,
        new_status_name=after.status.name,
        reason=after.reason,
        changed_at=after.entered_at,
    )


def moved_item(outcome: Outcome) -> MovedItem:
    """Return what became of one contact of many."""
    contact_id = outcome.move.contact_id
    if outcome.result in ("moved", "unchanged"):
        return MovedItem(contact_id=contact_id, status="ok" if outcome.after else "unchanged", error=None)
    assert outcome.refusal is not None
    error = MoveError(code=outcome.refusal.code, detail=outcome.refusal.detail)
    return MovedItem(contact_id=contact_id, status="error", error=error)
