"""identity.user_registered.v1: a person signed up or accepted an invitation."""

from typing import ClassVar

from contracts.fields import PersonalText, Wire


class IdentityUserRegisteredV1(Wire, kw_only=True):
    """Never carries a credential."""

    TYPE: ClassVar[str] = "identity.user_registered.v1"

    user_id: str
    name: PersonalText
    email: PersonalText
