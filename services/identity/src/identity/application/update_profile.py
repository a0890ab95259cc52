"""Change what one says of oneself."""

from collections.abc import Mapping

from kernel.cause import Cause

from identity.application.work import Work
from identity.domain.account import read_language, read_timezone
from identity.domain.refusals import refused


async def update_profile(user_id: str, asked: Mapping[str, str | None], *, by: Cause, work: Work) -> None:
    """Change name, language or zone; what is not asked for stays, None for the latter two means the tenant's."""
    if "name" in asked and asked["name"] is None:
        raise refused("name", "not_allowed", "a name is required")
    if asked.get("language") is not None:
        read_language(asked["language"])
    if asked.get("timezone") is not None:
        read_timezone(asked["timezone"])
    present = await work.accounts.lock_profile(by.tenant_id, user_id)
    changed = sorted(name for name, value in asked.items() if present[name] != value)
    if changed:
        await work.accounts.keep_profile(by.tenant_id, user_id, {**present, **asked})
        work.announcements.user_updated(user_id, changed, by)
