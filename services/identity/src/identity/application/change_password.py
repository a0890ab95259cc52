"""Change one's own password, which one proves to know."""

from kernel.cause import Cause

from identity.application.prove_password import prove_password
from identity.application.work import NOBODY, Means
from identity.domain.attempts import who
from identity.domain.password_rule import check_password, normalised


async def change_password(
    user_id: str, sign_in_id: str, present: str, wanted: str, *, address: str, by: Cause, means: Means
) -> None:
    """All other sign-ins end. Raises invalid_credentials, too_many_attempts, or validation_failed for the new one."""
    async with means.open_work([by.tenant_id]) as work:
        user = await work.accounts.user(by.tenant_id, user_id)
    found = await prove_password(user.email, present, address=address, means=means)
    check_password(wanted, email=user.email, name=user.name, field="new_password")
    fresh_hash = await means.passwords.hash(normalised(wanted))
    async with means.open_work([by.tenant_id, NOBODY]) as work:
        await work.attempts.forget(who(user.email, address))
        await work.accounts.set_password(by.tenant_id, user_id, fresh_hash, instead_of=found.password_hash)
        await work.sign_ins.revoke_all(by.tenant_id, user_id, "password_changed", work.now, kept=sign_in_id)
        work.announcements.password_changed(user_id, sign_in_id, by)
        work.audit.wrote(by.tenant_id, user_id)
