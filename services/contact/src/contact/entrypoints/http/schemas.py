"""What contacts look like over HTTP."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field
from web.bodies import Answer, Body, Id, Time

from contact.domain.addresses import entered_identity
from contact.domain.channel_identity import Identity

Name = Annotated[str, Field(min_length=1, max_length=255)]
Tag = Annotated[str, Field(min_length=1, max_length=64)]

KINDS = {
    "phone": "phone",
    "wa_id": "wa_pn",
    "lid": "wa_lid",
    "bsuid": "wa_bsuid",
    "username": "username",
    "email": "email",
    "external": "external",
}
"""The kinds of identities, as people call them and as we keep them."""
_SHOWN = {kept: shown for shown, kept in KINDS.items()}


class NewIdentity(Body):
    """An address that a person enters."""

    kind: Literal["phone", "wa_id", "lid", "bsuid", "username", "email", "external"]
    value: Annotated[str, Field(min_length=1, max_length=255)]
    channel_id: Id | None = None


class NewContact(Body):
    """A contact to be entered."""

    name: Name
    email: Annotated[str, Field(max_length=254)] | None = None
    phone: Annotated[str, Field(min_length=8, max_length=20)] | None = None
    external_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    source_channel: Annotated[str, Field(max_length=64)] | None = None
    language: Annotated[str, Field(max_length=10)] | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None
    tags: Annotated[list[Tag], Field(max_length=100)] | None = None
    custom_fields: dict[str, Any] | None = None
    opted_out: bool | None = None
    identities: Annotated[list[NewIdentity], Field(max_length=20)] | None = None
    project_id: Id | None = None


class ContactChange(Body):
    """A partial change: absent means unchanged, null clears. Tags replace those that are there; custom fields change by key, null
    clears one; identities are added.
    """

    name: Name | None = None
    email: Annotated[str, Field(max_length=254)] | None = None
    phone: Annotated[str, Field(min_length=8, max_length=20)] | None = None
    external_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    source_channel: Annotated[str, Field(max_length=64)] | None = None
    language: Annotated[str, Field(max_length=10)] | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None
    tags: Annotated[list[Tag], Field(max_length=100)] | None = None
    custom_fields: dict[str, Any] | None = None
    opted_out: bool | None = None
    identities: Annotated[list[NewIdentity], Field(max_length=20)] = []


class FoundContact(Answer):
    """A contact that was searched for. The score tells how good the match is: 1.5 a whole name, down to 0.8."""

    id: Id
    name: str
    phone: str | None
    email: str | None
    profile_picture_url: str | None = None
    match_score: float
    match_field: str


class TagAnswer(Answer):
    """A tag, and how many contacts carry it."""

    tag: str
    contact_count: int


class BulkTags(Body):
    """Which tags to put on which contacts, and which to take off."""

    contact_ids: Annotated[list[Id], Field(min_length=1, max_length=1000)]
    add: Annotated[list[Tag], Field(max_length=20)] | None = None
    remove: Annotated[list[Tag], Field(max_length=20)] | None = None


class BulkTagsAnswer(Answer):
    """What became of it."""

    matched: int
    changed: int
    unchanged: int
    not_found: list[Id]


class IdentityAnswer(Answer):
    """One way in which a contact is addressed."""

    id: Id
    contact_id: Id
    channel_id: Id | None
    kind: str
    value: str
    verified: bool
    evidence: str
    first_seen_at: str
    last_seen_at: str


class ContactAnswer(Answer):
    """A contact."""

    audited = (
        "name", "email", "phone", "external_id", "source_channel", "language", "timezone", "tags", "custom_fields", "identities",
        "opted_out", "deleted_at", "version",
    )  # fmt: skip

    id: Id
    tenant_id: Id
    project_id: Id
    version: int
    created_at: Time
    updated_at: Time
    deleted_at: Time | None
    name: str
    email: str | None
    phone: str | None
    external_id: str | None
    source_channel: str | None
    language: str
    timezone: str | None
    tags: list[str]
    custom_fields: dict[str, Any]
    identities: list[IdentityAnswer]
    profile_picture_url: str | None = None
    profile_picture_fetched_at: Time | None = None
    opted_out: bool
    opted_out_at: Time | None
    pipeline_statuses: list[dict[str, Any]] = []
    lead_score: int | None = None
    first_interaction_at: Time | None
    last_interaction_at: Time | None
    last_message_at: Time | None = None
    last_session_at: Time | None = None
    message_count: int | None = None
    session_count: int | None = None
    merged_into_id: Id | None


def identities_of(given: list[NewIdentity] | None) -> list[tuple[Identity, str | None]]:
    """Return the identities that somebody entered, each with its channel; raise DomainError for one that cannot be."""
    return [
        (entered_identity(KINDS[each.kind], each.value, f"/identities/{number}/value"), each.channel_id)
        for number, each in enumerate(given or ())
    ]


def contact_answer(row: Any) -> ContactAnswer:
    """Return the answer for a row of the directory."""
    identities = [
        IdentityAnswer.of({**each, "kind": _SHOWN.get(each["kind"], each["kind"])})
        for each in json.loads(row["identities"])
    ]
    return ContactAnswer.of({**row, "custom_fields": json.loads(row["custom_fields"]), "identities": identities})
