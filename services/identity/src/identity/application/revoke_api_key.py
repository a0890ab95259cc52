"""End an API key."""

from collections.abc import Callable

from kernel.cause import Cause
from kernel.errors import DomainError

from identity.application.work import Work


async def revoke_api_key(
    api_key_id: str, user_id: str, *, others_too: bool, by: Cause, expect: Callable[[int], None], work: Work
) -> None:
    """Gateways forget the key within seconds. Raises not_found for one that is gone, or that the caller may not know of."""
    row = await work.api_keys.get(by.tenant_id, api_key_id, lock=True)
    if row["revoked_at"] is not None or not (others_too or str(row["user_id"]) == user_id):
        raise DomainError("not_found", "there is no such API key")
    expect(row["version"])
    revoked = await work.api_keys.revoke(by.tenant_id, api_key_id, work.now)
    work.announcements.api_key_revoked(revoked, by)
