"""identity.api_key_revoked.v1: an API key ceased to be valid."""

from typing import ClassVar

from contracts.fields import Moment, Wire


class IdentityApiKeyRevokedV1(Wire, kw_only=True):
    """Every gateway forgets the key within seconds."""

    TYPE: ClassVar[str] = "identity.api_key_revoked.v1"

    api_key_id: str
    name: str
    prefix: str
    role: str
    project_id: str | None = None
    expires_at: Moment | None = None
