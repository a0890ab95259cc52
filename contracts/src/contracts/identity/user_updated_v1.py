"""identity.user_updated.v1: what a person says of themselves changed."""

from typing import ClassVar

from contracts.fields import Wire


class IdentityUserUpdatedV1(Wire, kw_only=True):
    """`changed` names the fields, and nothing of what stands in them."""

    TYPE: ClassVar[str] = "identity.user_updated.v1"

    user_id: str
    changed: tuple[str, ...]
