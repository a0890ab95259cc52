"""What the use cases of this service work with, inside one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from contact.application.announcements import Announcements
from contact.domain.address_book import AddressBook, Known, Link, Sender
from contact.domain.channel_identity import Identity
from contact.domain.contact import Details


class Contacts(Protocol):
    """The line's side: batches of senders."""

    async def holding(self, senders: Sequence[Sender]) -> AddressBook:
        """Return what is known about the senders' identities and phones, in one statement."""

    async def keep(self, met: Sequence[Known], links: Sequence[Link]) -> None:
        """Store new contacts and identities."""

    async def touch(self, seen: Sequence[Known]) -> None:
        """Note when contacts were last heard of; silent, and only ever forward."""

    async def rename_and_restore(self, changed: Sequence[Known]) -> list[Any]:
        """Store push names and bring deleted contacts back, unless a person was faster; return the rows as they are now."""


class Directory(Protocol):
    """People's side: one contact at a time. Every call names the tenant."""

    async def get(self, tenant_id: str, contact_id: str) -> Any:
        """Return the row of a contact; raise not_found."""

    async def taken_by(
        self,
        tenant_id: str,
        project_id: str,
        phone_key: str | None,
        email: str | None,
        external_id: str | None,
        except_id: str | None,
    ) -> str | None:
        """Return the id of another live contact that holds one of these."""

    async def holder_of(
        self, tenant_id: str, project_id: str, channel_id: str | None, identity: Identity
    ) -> str | None:
        """Return the id of the contact that has a live identity."""

    async def enter(
        self,
        tenant_id: str,
        project_id: str,
        details: Details,
        identities: Sequence[tuple[Identity, str | None]],
        *,
        evidence: str,
    ) -> Any:
        """Store a new contact; return its row."""

    async def change(self, tenant_id: str, contact_id: str, version: int, details: Details) -> Any:
        """Store changed details if the version is still that one, else raise conflict; return the row."""

    async def remove(self, tenant_id: str, contact_id: str, version: int) -> Any:
        """Delete softly if the version is still that one, else raise conflict; return the row."""

    def details_of(self, row: Any) -> Details:
        """Return the editable attributes of a row."""


@dataclass(frozen=True)
class Work:
    """One transaction's worth of collaborators."""

    contacts: Contacts
    directory: Directory
    announcements: Announcements
    new_id: Callable[[], str]
    now: datetime
