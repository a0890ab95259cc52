"""contact.updated.v1: an attribute of a contact changed."""

from typing import Annotated, Any, ClassVar

from msgspec import Meta

from contracts.contact.known_identity import KnownIdentity
from contracts.fields import Moment, PersonalText, Wire


class ContactUpdatedV1(Wire, kw_only=True):
    """The snapshot after the change, which fields changed, and their old values."""

    TYPE: ClassVar[str] = "contact.updated.v1"
    PUBLIC: ClassVar[str | None] = "contacts"

    contact_id: str
    name: PersonalText
    name_source: str
    origin: str
    version: int
    created_at: Moment
    language: str | None = None
    timezone: str | None = None
    email: PersonalText | None = None
    phone: PersonalText | None = None
    external_id: str | None = None
    source_channel: str | None = None
    tags: tuple[str, ...] = ()
    custom_fields: dict[str, Any] = {}
    identities: tuple[KnownIdentity, ...] = ()
    opted_out: bool = False
    changed: tuple[str, ...] = ()
    old_values: Annotated[dict[str, Any], Meta(extra_json_schema={"x-personal": "direct"})] = {}
