"""Issue an API key. It is shown once, and leaves the others alone."""

from typing import Any

from kernel.cause import Cause
from kernel.errors import DomainError

from identity.application.work import Means, Work
from identity.domain.credentials import Secret, make_api_key
from identity.domain.refusals import refused
from identity.domain.rights import Asked, Maker, terms_of

MOST_PER_USER = 50


async def issue_api_key(
    name: str, asked: Asked, user_id: str, maker: Maker, *, by: Cause, means: Means, work: Work
) -> tuple[Any, Secret]:
    """Return the key's row and the key itself; raise permission_denied for more than the maker has, too_many above 50."""
    terms = terms_of(asked, maker, work.now, means.permissions_of)
    if terms.project_id is not None:
        memberships = await work.accounts.memberships(by.tenant_id, user_id, terms.project_id)
        if terms.project_id not in {each.project_id for each in memberships}:
            raise refused("project_id", "not_found", "there is no such project")
    if await work.api_keys.count_usable(by.tenant_id, user_id, work.now) >= MOST_PER_USER:
        raise DomainError("too_many", f"at most {MOST_PER_USER} keys; revoke one first")
    key = make_api_key()
    row = await work.api_keys.keep(by.tenant_id, work.new_id(), user_id, name, key.prefix, key.hash, terms, work.now)
    work.announcements.api_key_created(row, by)
    return row, key
