"""contact.identity_linked.v1: an address now belongs to a contact."""

from typing import ClassVar

from contracts.fields import PersonalText, Wire


class ContactIdentityLinkedV1(Wire, kw_only=True):
    """`evidence` is the event that proved it, or the person who entered it."""

    TYPE: ClassVar[str] = "contact.identity_linked.v1"
    PUBLIC: ClassVar[str | None] = "contacts"

    contact_id: str
    kind: str
    value: PersonalText
    evidence: str
    verified: bool
    channel_id: str | None = None
