"""Sign in with e-mail and password.

No transaction is open while a password is hashed or an answer is held back. Whether an address is known shows neither in the
answer nor in its time.
"""

from kernel.errors import DomainError

from identity.application.begin_sign_in import SignedIn, begin_sign_in
from identity.application.work import NOBODY, Means
from identity.domain.account import FoundUser
from identity.domain.attempts import BLOCKED_FOR, MOST_FAILURES, delay_s, seconds_left, who
from identity.domain.password_rule import normalised


async def log_in(email: str, password: str, project_id: str | None, *, address: str, means: Means) -> SignedIn:
    """Return a fresh sign-in; raise invalid_credentials, or too_many_attempts for this account from this address."""
    culprit = who(email, address)
    found, attempts = await _count(email, culprit, means)
    try:
        known = await means.passwords.verify(found.password_hash if found else None, normalised(password))
    except DomainError:
        async with means.open_work([NOBODY]) as work:
            await work.attempts.take_back(culprit)
        raise
    # An attempt is counted before it is looked at, so that many at once count too; one that succeeds was no failure.
    await means.wait(delay_s(attempts - 1 if known else attempts))
    if not known or found is None:
        if attempts < MOST_FAILURES:
            raise _wrong()
        raise await _blocked(culprit, means)
    outdated = means.passwords.is_outdated(found.password_hash)
    fresh_hash = await means.passwords.hash(normalised(password)) if outdated else None
    async with means.open_work([found.tenant_id, NOBODY]) as work:
        user = await work.accounts.user(found.tenant_id, found.user_id)
        if not user.active:
            raise _wrong()
        await work.attempts.forget(culprit)
        await work.accounts.note_sign_in(user.tenant_id, user.id, fresh_hash, work.now)
        return await begin_sign_in(user, project_id, means=means, work=work)


async def _count(email: str, culprit: bytes, means: Means) -> tuple[FoundUser | None, int]:
    async with means.open_work([NOBODY]) as work:
        attempts, blocked_until = await work.attempts.count(culprit, work.now)
        if blocked_until is not None:
            raise _too_many(seconds_left(blocked_until, work.now))
        found = await work.accounts.find_by_email(email)
    if attempts > MOST_FAILURES:
        raise await _blocked(culprit, means)
    return found, attempts


async def _blocked(culprit: bytes, means: Means) -> DomainError:
    async with means.open_work([NOBODY]) as work:
        await work.attempts.block(culprit, work.now + BLOCKED_FOR)
    return _too_many(int(BLOCKED_FOR.total_seconds()))


def _wrong() -> DomainError:
    return DomainError("invalid_credentials", "e-mail address or password is wrong")


def _too_many(retry_after: int) -> DomainError:
    return DomainError(
        "too_many_attempts", "too many failed attempts; wait before trying again", retry_after=retry_after
    )
