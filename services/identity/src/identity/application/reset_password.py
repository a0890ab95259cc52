"""Choose a new password with a token that was mailed. It works once, and ends every sign-in."""

from dataclasses import replace

from kernel.cause import Cause
from kernel.errors import DomainError

from identity.application.work import NOBODY, Means
from identity.domain.credentials import hash_of
from identity.domain.password_rule import check_password, normalised

KIND = "password_reset"


async def reset_password(token: str, wanted: str, *, by: Cause, means: Means) -> None:
    """Raise invalid_credentials for a token that is unknown, used or expired; validation_failed for the password."""
    token_hash = hash_of(token)
    async with means.open_work([NOBODY]) as work:
        found = await work.mails.find_token(token_hash)
        if found is None:
            raise _refused()
        await work.enter(found[0])
        row = await work.mails.token(*found)
        if row["kind"] != KIND or row["used_at"] is not None or row["expires_at"] <= work.now:
            raise _refused()
        user = await work.accounts.user(found[0], str(row["about_id"]))
    if not user.active:
        raise _refused()
    check_password(wanted, email=user.email, name=user.name, field="new_password")
    fresh_hash = await means.passwords.hash(normalised(wanted))
    async with means.open_work([user.tenant_id]) as work:
        if token_hash not in await work.mails.use_up(user.tenant_id, KIND, user.id, work.now):
            raise _refused()
        await work.accounts.set_password(user.tenant_id, user.id, fresh_hash)
        await work.sign_ins.revoke_all(user.tenant_id, user.id, KIND, work.now)
        cause = replace(by, tenant_id=user.tenant_id, actor=f"user:{user.id}")
        work.announcements.password_changed(user.id, None, cause)
        work.audit.wrote(user.tenant_id, user.id)


def _refused() -> DomainError:
    return DomainError("invalid_credentials", "the token is wrong, was used or has expired; ask for another one")
