"""identity.sign_in_revoked.v1: a sign-in, or all sign-ins of a user, ended."""

from typing import ClassVar

from contracts.fields import Wire


class IdentitySignInRevokedV1(Wire, kw_only=True):
    """Every gateway denies its access tokens until they expire."""

    TYPE: ClassVar[str] = "identity.sign_in_revoked.v1"

    user_id: str
    all: bool
    sign_in_id: str | None = None
