"""contact.entered_pipeline.v1: a contact was placed in a pipeline for the first time."""

from typing import ClassVar

from contracts.fields import Moment, Wire


class ContactEnteredPipelineV1(Wire, kw_only=True):
    """`entered_by` is an actor."""

    TYPE: ClassVar[str] = "contact.entered_pipeline.v1"
    PUBLIC: ClassVar[str | None] = "contacts"

    contact_id: str
    pipeline_id: str
    status_id: str
    status_name: str
    entered_by: str
    at: Moment
