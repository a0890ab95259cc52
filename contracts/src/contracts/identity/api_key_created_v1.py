"""identity.api_key_created.v1: an API key was issued."""

from typing import ClassVar

from contracts.fields import Moment, Wire


class IdentityApiKeyCreatedV1(Wire, kw_only=True):
    """The prefix only; the key itself is answered once and kept nowhere."""

    TYPE: ClassVar[str] = "identity.api_key_created.v1"

    api_key_id: str
    name: str
    prefix: str
    role: str
    project_id: str | None = None
    expires_at: Moment | None = None
