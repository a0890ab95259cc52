"""What contact says: the only file that builds its contract events."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from contracts.contact.created_v1 import ContactCreatedV1
from contracts.contact.deleted_v1 import ContactDeletedV1
from contracts.contact.identity_linked_v1 import ContactIdentityLinkedV1
from contracts.contact.known_identity import KnownIdentity
from contracts.contact.restored_v1 import ContactRestoredV1
from contracts.contact.sender_identified_v1 import ContactSenderIdentifiedV1
from contracts.contact.updated_v1 import ContactUpdatedV1
from contracts.envelope import AnyEvent, caused_event, first_event

from contact.domain.address_book import Known, Link, Sender, chat_key_of

SOURCE = "contact"
Row = Mapping[str, Any]


class Caused:
    """Who asked, for what people do over HTTP."""

    def __init__(self, *, tenant_id: str, actor: str, correlation_id: str, traceparent: str | None = None) -> None:
        self.tenant_id = tenant_id
        self.actor = actor
        self.correlation_id = correlation_id
        self.traceparent = traceparent


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
        if contact.renamed_from is not None:
            data = ContactUpdatedV1(**_snapshot(row), changed=("name",), old_values={"name": contact.renamed_from})
            self._follow(sender.heard, data, subject=contact.id, key=contact.id)

    # over HTTP

    def entered(self, row: Row, by: Caused) -> None:
        """A person or program entered a contact."""
        self._begin(ContactCreatedV1(**_snapshot(row)), row, by)

    def changed(self, row: Row, changed: Sequence[str], old_values: Mapping[str, Any], by: Caused) -> None:
        """A person or program changed a contact."""
        data = ContactUpdatedV1(**_snapshot(row), changed=tuple(changed), old_values=dict(old_values))
        self._begin(data, row, by)

    def deleted(self, row: Row, by: Caused) -> None:
        """A person deleted a contact."""
        self._begin(ContactDeletedV1(contact_id=str(row["id"]), at=self._now, version=row["version"]), row, by)

    def _follow(self, heard: AnyEvent, data: Any, *, subject: str, key: str) -> None:
        self._say(
            caused_event(
                heard, data, id=self._new_id(), source=SOURCE, subject=subject, time=self._now, partition_key=key
            )
        )

    def _begin(self, data: Any, row: Row, by: Caused) -> None:
        contact_id = str(row["id"])
        self._say(
            first_event(
                data,
                id=self._new_id(),
                source=SOURCE,
                subject=contact_id,
                time=self._now,
                tenant_id=by.tenant_id,
                project_id=str(row["project_id"]),
                partition_key=contact_id,
                correlation_id=by.correlation_id,
                actor=by.actor,
                traceparent=by.traceparent,
            )
        )


def tags_on_meeting(channel_type: str | None) -> tuple[str, ...]:
    """Return the tags of somebody met on a channel of that type."""
    return ("whatsapp",) if channel_type in ("waha", "whatsapp", "whatsapp_business") else ()


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
