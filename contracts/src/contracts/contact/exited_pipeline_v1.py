"""contact.exited_pipeline.v1: a contact was taken out of a pipeline."""

from typing import ClassVar

from contracts.fields import Moment, Wire


class ContactExitedPipelineV1(Wire, kw_only=True):
    """`exited_by` is an actor."""

    TYPE: ClassVar[str] = "contact.exited_pipeline.v1"
    PUBLIC: ClassVar[str | None] = "contacts"

    contact_id: str
    pipeline_id: str
    last_status_id: str
    last_status_name: str
    exited_by: str
    at: Moment
    reason: str | None = None
