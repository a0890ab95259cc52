"""contact.pipeline_status_changed.v1: a contact stands in another status of a pipeline."""

from typing import ClassVar

from contracts.fields import Moment, Wire


class ContactPipelineStatusChangedV1(Wire, kw_only=True):
    """The first placement has no previous status. Amounts are minor units of `currency`."""

    TYPE: ClassVar[str] = "contact.pipeline_status_changed.v1"
    PUBLIC: ClassVar[str | None] = "contacts"

    contact_id: str
    pipeline_id: str
    new_status_id: str
    new_status_name: str
    new_status_type: str
    changed_by: str
    changed_at: Moment
    previous_status_id: str | None = None
    previous_status_name: str | None = None
    previous_status_type: str | None = None
    seconds_in_previous: int | None = None
    value_amount: int | None = None
    currency: str | None = None
    lost_reason: str | None = None
    reason: str | None = None
