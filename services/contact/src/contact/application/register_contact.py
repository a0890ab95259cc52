"""Enter a contact by hand or by program."""

from collections.abc import Mapping, Sequence
from typing import Any

from kernel.cause import Cause
from kernel.errors import DomainError

from contact.application.work import Addressed, Work
from contact.domain.contact import new_details
from contact.domain.phone_number import phone_key


async def register_contact(
    given: Mapping[str, Any], identities: Sequence[Addressed], *, project_id: str, by: Cause, work: Work
) -> Any:
    """Return the new contact's row; raise already_exists with the id of one that holds the same phone, e-mail or key."""
    details = new_details(given, await work.fields.of_project(by.tenant_id, project_id))
    await refuse_taken(details.phone, details.email, details.external_id, None, project_id=project_id, by=by, work=work)
    added = await new_among(identities, None, project_id=project_id, by=by, work=work)
    contact_id = await work.directory.enter(by.tenant_id, project_id, details)
    await work.directory.link(by.tenant_id, project_id, contact_id, added, evidence=by.actor)
    row = await work.directory.get(by.tenant_id, contact_id)
    work.announcements.entered(row, by)
    return row


async def refuse_taken(
    phone: str | None,
    email: str | None,
    external_id: str | None,
    own_id: str | None,
    *,
    project_id: str,
    by: Cause,
    work: Work,
) -> None:
    """Raise already_exists where another live contact of the project holds one of these."""
    key = phone_key(phone) if phone else None
    holder = await work.directory.taken_by(by.tenant_id, project_id, key, email, external_id, own_id)
    if holder is not None:
        raise DomainError(
            "already_exists", "another contact holds that phone, e-mail or external id", existing_id=holder
        )


async def new_among(
    identities: Sequence[Addressed], own_id: str | None, *, project_id: str, by: Cause, work: Work
) -> list[Addressed]:
    """Return the identities that nobody has yet, each once; raise already_exists for one that another contact has."""
    if not identities:
        return []
    holders = await work.directory.holders_of(by.tenant_id, project_id, identities)
    for holder in holders.values():
        if holder != own_id:
            raise DomainError("already_exists", "another contact has that identity", existing_id=holder)
    return [each for each in dict.fromkeys(identities) if each not in holders]
