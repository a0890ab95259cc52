"""contact.created.v1: a person was met for the first time, or entered by hand."""

from typing import Any, ClassVar

from contracts.contact.known_identity import KnownIdentity
from contracts.fields import Moment, PersonalText, Wire


class ContactCreatedV1(Wire, kw_only=True):
    """Full snapshot of what others may project."""

    TYPE: ClassVar[str] = "contact.created.v1"
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
