"""Exchange a refresh token for fresh tokens. Each works once; a dead one that comes back was copied, and ends its sign-in."""

from kernel.cause import Cause

from identity.application.begin_sign_in import Tokens, tokens_of
from identity.application.work import Means, Work
from identity.domain.account import default_of
from identity.domain.credentials import hash_of

UNKNOWN, EXPIRED, REVOKED = "invalid_credentials", "token_expired", "token_revoked"


async def refresh_sign_in(refresh_token: str, *, by: Cause, means: Means, work: Work) -> Tokens | str:
    """Return fresh tokens, or the code of a refusal.

    A refusal is returned and not raised: ending a stolen sign-in must be committed.
    """
    found = await work.sign_ins.find_refresh_token(hash_of(refresh_token))
    if found is None:
        return UNKNOWN
    tenant_id, token_id = found
    await work.enter(tenant_id)
    row = await work.sign_ins.lock(tenant_id, token_id)
    if row is None:
        return UNKNOWN
    if row["revoked_at"] is not None:
        return REVOKED
    user_id, sign_in_id = str(row["user_id"]), str(row["sign_in_id"])
    if row["used_at"] is not None:
        await work.sign_ins.revoke(tenant_id, sign_in_id, "token_reused", work.now)
        caused = Cause(
            tenant_id=tenant_id,
            actor=f"user:{user_id}",
            correlation_id=by.correlation_id,
            traceparent=by.traceparent,
        )
        work.announcements.sign_in_revoked(user_id, sign_in_id, caused)
        work.audit.refused(tenant_id, user_id)
        return REVOKED
    if row["expires_at"] <= work.now:
        return EXPIRED
    user = await work.accounts.user(tenant_id, user_id)
    if not user.active:
        return REVOKED
    work.audit.belongs_to(tenant_id, user_id)
    wanted = None if row["project_id"] is None else str(row["project_id"])
    memberships = await work.accounts.memberships(tenant_id, user_id, wanted)
    chosen = default_of(memberships, wanted) or default_of(memberships)
    return await tokens_of(user, memberships, chosen, sign_in_id, row["signed_in_at"], means=means, work=work)
