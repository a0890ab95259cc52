"""identity.project_activated.v1: a workspace works again."""

from typing import ClassVar

from contracts.fields import Wire


class IdentityProjectActivatedV1(Wire, kw_only=True):
    """Sends, rules and new sessions go on."""

    TYPE: ClassVar[str] = "identity.project_activated.v1"
    PUBLIC: ClassVar[str | None] = "projects"

    project_id: str
    version: int
