"""What the use cases of this service work with, inside one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from contact.application.announcements import Announcements
from contact.domain.address_book import AddressBook, Known, Link, Sender
from contact.domain.channel_identity import Identity
from contact.domain.contact import Details
from contact.domain.custom_field import Definition
from contact.domain.tags import TaggedContact

Addressed = tuple[Identity, str | None]
"""An identity, and the channel that it belongs to."""


class Contacts(Protocol):
    """The line's side: batches of senders."""

    async def holding(self, senders: Sequence[Sender]) -> AddressBook:
        """Return what is known about the senders' identities and phones, in one statement."""

    async def keep(self, met: Sequence[Known], links: Sequence[Link]) -> None:
        """Store new contacts and identities."""

    async def touch(self, seen: Sequence[Known]) -> None:
        """Note when contacts were last heard of; silent, and only ever forward."""

    async def rename_and_restore(self, changed: Sequence[Known]) -> list[Any]:
        """Store push names and bring deleted contacts back, unless a person was faster; return the rows as they are now.

        A contact that comes back gives up the phone, e-mail or external id that another one holds meanwhile (`given_up`).
        """


class Directory(Protocol):
    """People's side: one contact at a time. Every call names the tenant."""

    async def plan_for_values(self) -> None:
        """Have the lists of this transaction planned for the values that they are asked with."""

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

    async def holders_of(
        self, tenant_id: str, project_id: str, identities: Sequence[Addressed]
    ) -> Mapping[Addressed, str]:
        """Return the ids of the contacts that have live identities."""

    async def enter(self, tenant_id: str, project_id: str, details: Details) -> str:
        """Store a new contact; return its id."""

    async def link(
        self, tenant_id: str, project_id: str, contact_id: str, identities: Sequence[Addressed], *, evidence: str
    ) -> None:
        """Store identities that a person entered."""

    async def change(self, tenant_id: str, contact_id: str, version: int, before: Details, after: Details) -> Any:
        """Store changed details if the version is still that one, else raise conflict; return the row."""

    async def remove(self, tenant_id: str, contact_id: str, version: int) -> Any:
        """Delete softly if the version is still that one, else raise conflict; return the row."""

    def details_of(self, row: Any) -> Details:
        """Return the editable attributes of a row."""


class Tags(Protocol):
    """The tags of many contacts at once."""

    async def hold(self, wanted: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], TaggedContact]:
        """Lock the live contacts among `wanted` (tenant, project, contact), in the order of their ids; return them by these."""

    async def keep(self, changed: Sequence[TaggedContact]) -> None:
        """Store tags and versions, in one statement."""

    async def rarest(self, tenant_id: str, project_id: str, keys: Sequence[str]) -> str:
        """Return the tag that the fewest contacts carry: where all are asked for, it is the one to look up."""


class Fields(Protocol):
    """Definitions of custom fields."""

    async def of_project(self, tenant_id: str, project_id: str) -> Mapping[str, Definition]:
        """Return the definitions of a project by their keys."""

    async def get(self, tenant_id: str, project_id: str, key: str) -> Any:
        """Return the row of a definition; raise not_found."""

    async def hold(self, tenant_id: str, project_id: str) -> None:
        """Wait for whoever else defines fields in the project, until the transaction ends."""

    async def previous_type(self, tenant_id: str, project_id: str, key: str) -> str | None:
        """Return the type that a deleted definition of that key had: its values are kept."""

    async def add(self, tenant_id: str, project_id: str, definition: Definition) -> Any:
        """Store a new definition; return its row."""

    async def redefine(self, tenant_id: str, field_id: str, version: int, definition: Definition) -> Any:
        """Store a changed definition if the version is still that one, else raise conflict; return its row."""

    async def remove(self, tenant_id: str, field_id: str, version: int) -> Any:
        """Delete softly if the version is still that one, else raise conflict; return its row."""

    def definition_of(self, row: Any) -> Definition:
        """Return the definition that a row holds."""


@dataclass(frozen=True)
class Work:
    """One transaction's worth of collaborators."""

    contacts: Contacts
    directory: Directory
    tags: Tags
    fields: Fields
    announcements: Announcements
    new_id: Callable[[], str]
    now: datetime
