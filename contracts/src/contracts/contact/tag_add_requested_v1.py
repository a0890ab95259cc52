"""contact.tag_add_requested.v1: somebody but contact wants a tag on contacts."""

from typing import ClassVar

from contracts.automation_rule.execution_ref import ExecutionRef
from contracts.fields import Wire


class ContactTagAddRequestedV1(Wire, kw_only=True):
    """At most 500 contacts. A contact that is unknown or deleted is answered by `command.refused`."""

    TYPE: ClassVar[str] = "contact.tag_add_requested.v1"

    contact_ids: tuple[str, ...]
    tag: str
    execution_ref: ExecutionRef | None = None
