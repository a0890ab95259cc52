"""command.refused.v1: the owner of a thing refused a wish."""

from typing import ClassVar

from contracts.automation_rule.execution_ref import ExecutionRef
from contracts.fields import Wire


class CommandRefusedV1(Wire, kw_only=True):
    """`causationid` of the envelope is the wish, too."""

    TYPE: ClassVar[str] = "command.refused.v1"

    command_id: str
    command_type: str
    code: str
    detail: str
    execution_ref: ExecutionRef | None = None
