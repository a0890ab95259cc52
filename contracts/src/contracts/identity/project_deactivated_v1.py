"""identity.project_deactivated.v1: a workspace rests."""

from typing import ClassVar

from contracts.fields import Wire


class IdentityProjectDeactivatedV1(Wire, kw_only=True):
    """No sends, rules or new sessions; what comes in is still stored."""

    TYPE: ClassVar[str] = "identity.project_deactivated.v1"
    PUBLIC: ClassVar[str | None] = "projects"

    project_id: str
    version: int
