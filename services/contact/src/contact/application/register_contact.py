"""Enter a contact by hand or by program."""

from collections.abc import Mapping, Sequence
from typing import Any

from kernel.errors import DomainError

from contact.application.announcements import Caused
from contact.application.work import Work
from contact.domain.channel_identity import Identity
from contact.domain.contact import new_details
from contact.domain.phone_number import phone_key


async def register_contact(
    given: Mapping[str, Any],
    identities: Sequence[tuple[Identity, str | None]],
    *,
    project_id: str,
    by: Caused,
    work: Work,
) -> Any:
    """Return the new contact's row; raise already_exists with the id of one that holds the same phone, e-mail or key."""
    details = new_details(given)
    await refuse_taken(details.phone, details.email, details.external_id, None, project_id=project_id, by=by, work=work)
    for identity, channel_id in identities:
        holder = await work.directory.holder_of(by.tenant_id, project_id, channel_id, identity)
        if holder is not None:
            raise DomainError("already_exists", "another contact has that identity", existing_id=holder)
    row = await work.directory.enter(by.tenant_id, project_id, details, identities, evidence=by.actor)
    work.announcements.entered(row, by)
    return row


async def refuse_taken(
    phone: str | None,
    email: str | None,
    external_id: str | None,
    own_id: str | None,
    *,
    project_id: str,
    by: Caused,
    work: Work,
) -> None:
    """Raise already_exists where another live contact of the project holds one of these."""
    key = phone_key(phone) if phone else None
    holder = await work.directory.taken_by(by.tenant_id, project_id, key, email, external_id, own_id)
    if holder is not None:
        raise DomainError(
            "already_exists", "another contact holds that phone, e-mail or external id", existing_id=holder
        )
