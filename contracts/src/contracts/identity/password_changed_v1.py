"""identity.password_changed.v1: a person's password is another one."""

from typing import ClassVar

from contracts.fields import Wire


class IdentityPasswordChangedV1(Wire, kw_only=True):
    """Their sign-ins ended, unless `all` is false: then the one with which it was changed goes on."""

    TYPE: ClassVar[str] = "identity.password_changed.v1"

    user_id: str
    all: bool
    sign_in_id: str | None = None
