"""What contact says: the only file that builds its contract events."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from contracts.command.refused_v1 import CommandRefusedV1
from contracts.contact.created_v1 import ContactCreatedV1
from contracts.contact.custom_field_cleared_v1 import ContactCustomFieldClearedV1
from contracts.contact.custom_field_set_v1 import ContactCustomFieldSetV1
from contracts.contact.deleted_v1 import ContactDeletedV1
from contracts.contact.identity_linked_v1 import ContactIdentityLinkedV1
from contracts.contact.known_identity import KnownIdentity
from contracts.contact.restored_v1 import ContactRestoredV1
from contracts.contact.sender_identified_v1 import ContactSenderIdentifiedV1
from contracts.contact.tag_added_v1 import ContactTagAddedV1
from contracts.contact.tag_removed_v1 import ContactTagRemovedV1
from contracts.contact.updated_v1 import ContactUpdatedV1
from contracts.custom_field.created_v1 import CustomFieldCreatedV1
from contracts.custom_field.deleted_v1 import CustomFieldDeletedV1
from contracts.custom_field.updated_v1 import CustomFieldUpdatedV1
from contracts.envelope import AnyEvent, asked_event, caused_event
from kernel.cause import Cause
from kernel.errors import DomainError

from contact.domain.address_book import Known, Link, Sender, chat_key_of
from contact.domain.channel_identity import Identity
from contact.domain.contact import Details
from contact.domain.custom_field import Definition, changed_keys
from contact.domain.tags import Retagged, TaggedContact

SOURCE = "contact"
Row = Mapping[str, Any]


class Announcements:
    """Says events of one transaction."""

    def __init__(self, say: Callable[..., None], new_id: Callable[[], str], now: datetime) -> None:
        self._say = say
        self._new_id = new_id
        self._now = now

    # on the line

    def sender_identified(self, heard: Any, contact: Known | None) -> None:
        """The message as heard, plus who it concerns and in which chat it lies."""
        message = heard.data
        key = chat_key_of(
            message.channel_id, message.chat_type, message.external_chat_id, contact.id if contact else None
        )
        data = ContactSenderIdentifiedV1(
            **msgspec.structs.asdict(message),
            chat_key=key,
            is_new_contact=bool(contact and contact.is_new),
            contact_id=contact.id if contact else None,
            contact_name=contact.name if contact else None,
            contact_language=contact.language if contact else None,
        )
        self._follow(heard, data, subject=contact.id if contact else message.channel_id, key=key)

    def created(self, contact: Known, links: Sequence[Link]) -> None:
        """Somebody was met on the line."""
        assert contact.first_seen is not None
        data = ContactCreatedV1(
            contact_id=contact.id,
            name=contact.name,
            name_source=contact.name_source,
            origin="inbound",
            version=1,
            created_at=self._now,
            language=contact.language,
            phone=contact.phone,
            source_channel=contact.channel_type,
            tags=tags_on_meeting(contact.channel_type),
            identities=tuple(
                KnownIdentity(kind=link.identity.kind, value=link.identity.value, channel_id=link.sender.channel_id)
                for link in links
                if link.contact is contact
            ),
        )
        self._follow(contact.first_seen.heard, data, subject=contact.id, key=contact.id)

    def identity_linked(self, link: Link) -> None:
        """An address of somebody whom we knew by another."""
        data = ContactIdentityLinkedV1(
            contact_id=link.contact.id,
            kind=link.identity.kind,
            value=link.identity.value,
            evidence=link.sender.evidence,
            verified=True,
            channel_id=link.sender.channel_id,
        )
        self._follow(link.sender.heard, data, subject=link.contact.id, key=link.contact.id)

    def changed_on_the_line(self, row: Row, cause: tuple[Known, Sender]) -> None:
        """A push name changed, or a deleted contact wrote again."""
        contact, sender = cause
        if contact.deleted:
            restored = ContactRestoredV1(contact_id=contact.id, at=self._now, version=row["version"])
            self._follow(sender.heard, restored, subject=contact.id, key=contact.id)
        old = {
            name: row[f"lost_{name}"] for name in ("phone", "email", "external_id") if row[f"lost_{name}"] is not None
        }
        if contact.renamed_from is not None:
            old = {"name": contact.renamed_from, **old}
        if old:
            data = ContactUpdatedV1(**_snapshot(row), changed=tuple(old), old_values=old)
            self._follow(sender.heard, data, subject=contact.id, key=contact.id)

    # what others wish for

    def retagged_as_wished(self, contact: TaggedContact, change: Retagged, heard: AnyEvent) -> None:
        """Tags of a contact changed, since another service wished it."""
        for data in _tag_events(contact.id, contact.version, change):
            self._follow(heard, data, subject=contact.id, key=contact.id)

    def refused(self, heard: AnyEvent, refusals: Mapping[str, DomainError]) -> None:
        """A wish could not be carried out for some contacts: one answer, with the reason of the first of them."""
        contact_id, refusal = next(iter(refusals.items()))
        asked = len(heard.data.contact_ids)
        data = CommandRefusedV1(
            command_id=heard.id,
            command_type=heard.type,
            code=refusal.code,
            detail=refusal.detail if asked == 1 else f"{refusal.detail} ({len(refusals)} of {asked} contacts refused)",
            execution_ref=heard.data.execution_ref,
        )
        self._follow(heard, data, subject=contact_id, key=contact_id)

    # over HTTP

    def entered(self, row: Row, by: Cause) -> None:
        """A person or program entered a contact."""
        self._begin(ContactCreatedV1(**_snapshot(row)), row, by)

    def changed(
        self,
        row: Row,
        before: Details,
        after: Details,
        added: Iterable[tuple[Identity, str | None]],
        defined: Mapping[str, Definition],
        by: Cause,
    ) -> None:
        """A person or program changed a contact: its addresses, tags and custom fields one by one, the rest at once."""
        for identity, channel_id in added:
            self._begin(_linked_by_hand(str(row["id"]), identity, channel_id, by), row, by)
        for tag in _tag_events(str(row["id"]), row["version"], after.retagged(before)):
            self._begin(tag, row, by)
        for value in _value_events(row, before.custom_fields, after.custom_fields, defined):
            self._begin(value, row, by)
        old_values = after.differences(before)
        if old_values or after.name_source != before.name_source:
            update = ContactUpdatedV1(**_snapshot(row), changed=tuple(old_values), old_values=old_values)
            self._begin(update, row, by)

    def deleted(self, row: Row, by: Cause) -> None:
        """A person deleted a contact."""
        self._begin(ContactDeletedV1(contact_id=str(row["id"]), at=self._now, version=row["version"]), row, by)

    def retagged(self, contact: TaggedContact, change: Retagged, by: Cause) -> None:
        """A person or program changed the tags of a contact."""
        for data in _tag_events(contact.id, contact.version, change):
            self._begin(data, {"id": contact.id, "project_id": contact.project_id}, by)

    def field_defined(self, row: Row, definition: Definition, by: Cause) -> None:
        """A project has a new custom field."""
        self._begin(CustomFieldCreatedV1(**_definition(row, definition)), row, by)

    def field_redefined(self, row: Row, before: Definition, after: Definition, by: Cause) -> None:
        """A custom field is defined otherwise."""
        self._begin(CustomFieldUpdatedV1(**_definition(row, after), changed=after.differences(before)), row, by)

    def field_removed(self, row: Row, by: Cause) -> None:
        """A custom field is no longer offered."""
        data = CustomFieldDeletedV1(custom_field_id=str(row["id"]), key=row["key"], version=row["version"])
        self._begin(data, row, by)

    def _follow(self, heard: AnyEvent, data: Any, *, subject: str, key: str) -> None:
        self._say(
            caused_event(
                heard, data, id=self._new_id(), source=SOURCE, subject=subject, time=self._now, partition_key=key
            )
        )

    def _begin(self, data: Any, row: Row, by: Cause) -> None:
        about = str(row["id"])
        self._say(
            asked_event(
                by,
                data,
                id=self._new_id(),
                source=SOURCE,
                subject=about,
                time=self._now,
                project_id=str(row["project_id"]),
                partition_key=about,
            )
        )


def tags_on_meeting(channel_type: str | None) -> tuple[str, ...]:
    """Return the tags of somebody met on a channel of that type."""
    return ("whatsapp",) if channel_type in ("waha", "whatsapp", "whatsapp_business") else ()


def _tag_events(contact_id: str, version: int, change: Retagged) -> Iterator[ContactTagAddedV1 | ContactTagRemovedV1]:
    for tag in change.removed:
        yield ContactTagRemovedV1(contact_id=contact_id, tag=tag, version=version)
    for tag in change.added:
        yield ContactTagAddedV1(contact_id=contact_id, tag=tag, version=version)


def _value_events(
    row: Row, before: Mapping[str, Any], after: Mapping[str, Any], defined: Mapping[str, Definition]
) -> Iterator[ContactCustomFieldSetV1 | ContactCustomFieldClearedV1]:
    for key in changed_keys(before, after):
        about: dict[str, Any] = {"contact_id": str(row["id"]), "key": key, "version": row["version"]}
        if key not in after:
            yield ContactCustomFieldClearedV1(**about, type=defined[key].type, old_value=before[key])
        else:
            value, old_value = after[key], before.get(key)
            yield ContactCustomFieldSetV1(**about, type=defined[key].type, value=value, old_value=old_value)


def _linked_by_hand(contact_id: str, identity: Identity, channel_id: str | None, by: Cause) -> ContactIdentityLinkedV1:
    return ContactIdentityLinkedV1(
        contact_id=contact_id,
        kind=identity.kind,
        value=identity.value,
        evidence=by.actor,
        verified=False,
        channel_id=channel_id,
    )


def _definition(row: Row, definition: Definition) -> dict[str, Any]:
    return {
        "custom_field_id": str(row["id"]),
        "key": definition.key,
        "label": definition.label,
        "type": definition.type,
        "version": row["version"],
        "required": definition.required,
        "options": definition.options,
        "description": definition.description,
    }


def _snapshot(row: Row) -> dict[str, Any]:
    return {
        "contact_id": str(row["id"]),
        "name": row["name"],
        "name_source": row["name_source"],
        "origin": row["origin"],
        "version": row["version"],
        "created_at": row["created_at"],
        "language": row["language"],
        "timezone": row["timezone"],
        "email": row["email"],
        "phone": row["phone"],
        "external_id": row["external_id"],
        "source_channel": row["source_channel"],
        "tags": tuple(row["tags"]),
        "custom_fields": msgspec.json.decode(row["custom_fields"]),
        "identities": tuple(
            KnownIdentity(kind=each["kind"], value=each["value"], channel_id=each["channel_id"])
            for each in msgspec.json.decode(row["identities"])
        ),
        "opted_out": row["opted_out"],
    }
