"""Sign in with e-mail and password."""

from identity.application.begin_sign_in import SignedIn, begin_sign_in
from identity.application.prove_password import prove_password, wrong_credentials
from identity.application.work import NOBODY, Means
from identity.domain.attempts import who
from identity.domain.password_rule import normalised


async def log_in(email: str, password: str, project_id: str | None, *, address: str, means: Means) -> SignedIn:
    """Return a fresh sign-in; raise invalid_credentials, or too_many_attempts for this account from this address."""
    found = await prove_password(email, password, address=address, means=means)
    outdated = means.passwords.is_outdated(found.password_hash)
    fresh_hash = await means.passwords.hash(normalised(password)) if outdated else None
    async with means.open_work([found.tenant_id, NOBODY]) as work:
        user = await work.accounts.user(found.tenant_id, found.user_id)
        if not user.active:
            raise wrong_credentials()
        await work.attempts.forget(who(email, address))
        await work.accounts.note_sign_in(user.tenant_id, user.id, fresh_hash, work.now)
        return await begin_sign_in(user, project_id, means=means, work=work)
