"""identity.tenant_created.v1: a customer organisation registered."""

from typing import ClassVar

from contracts.fields import PersonalText, Wire


class IdentityTenantCreatedV1(Wire, kw_only=True):
    """One registration makes one new tenant."""

    TYPE: ClassVar[str] = "identity.tenant_created.v1"

    tenant_id: str
    name: str
    slug: str
    owner_user_id: str
    owner_email: PersonalText
    country: str
    timezone: str
    language: str
    version: int
