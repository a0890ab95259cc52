"""Sign in with e-mail and password."""

from kernel.errors import DomainError

from identity.application.begin_sign_in import SignedIn, begin_sign_in
from identity.application.check_second_factor import CodeMissing, check_second_factor
from identity.application.prove_password import note_refusal, prove_password, wrong_credentials
from identity.application.work import NOBODY, Means
from identity.domain.attempts import who
from identity.domain.password_rule import normalised


async def log_in(
    email: str, password: str, project_id: str | None, code: str | None, *, address: str, means: Means
) -> SignedIn:
    """Return a fresh sign-in; raise invalid_credentials, or too_many_attempts for this account from this address.

    `code` is that of the second factor, or a recovery code, where the user has one.
    """
    found = await prove_password(email, password, address=address, means=means)
    outdated = means.passwords.is_outdated(found.password_hash)
    fresh_hash = await means.passwords.hash(normalised(password)) if outdated else None
    try:
        async with means.open_work([found.tenant_id, NOBODY]) as work:
            user = await work.accounts.user(found.tenant_id, found.user_id)
            if not user.active:
                raise wrong_credentials()
            await check_second_factor(user.tenant_id, user.id, code, work=work)
            await work.attempts.forget(who(email, address))
            await work.accounts.note_sign_in(user.tenant_id, user.id, fresh_hash, work.now)
            work.audit.wrote(user.tenant_id, user.id)
            return await begin_sign_in(user, project_id, means=means, work=work)
    except CodeMissing:
        async with means.open_work([NOBODY]) as work:
            await work.attempts.take_back(who(email, address))
        raise
    except DomainError as refusal:
        await note_refusal(refusal, found.tenant_id, found.user_id, means)
        raise
