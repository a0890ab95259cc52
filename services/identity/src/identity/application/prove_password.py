"""Prove that somebody knows a password.

No transaction is open while a password is hashed or an answer is held back. Whether an address is known shows neither in the
answer nor in its time.
"""

from kernel.errors import DomainError

from identity.application.work import NOBODY, Means
from identity.domain.account import FoundUser
from identity.domain.attempts import BLOCKED_FOR, FORGOTTEN_AFTER, MOST_FAILURES, WARNED_OF, delay_s, seconds_left, who
from identity.domain.password_rule import normalised


async def prove_password(email: str, password: str, *, address: str, means: Means) -> FoundUser:
    """Return whose password that is; raise invalid_credentials, or too_many_attempts for this account from this address.

    The attempt stays counted until somebody forgets it, once nothing else is in the way of whoever knows the password.
    """
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
    if known and found is not None:
        return found
    await _note_failure(email, found, means)
    if attempts < MOST_FAILURES:
        raise wrong_credentials()
    raise await _blocked(culprit, means)


async def _count(email: str, culprit: bytes, means: Means) -> tuple[FoundUser | None, int]:
    async with means.open_work([NOBODY]) as work:
        attempts, blocked_until = await work.attempts.count(culprit, work.now)
        if blocked_until is not None:
            raise _too_many(seconds_left(blocked_until, work.now))
        found = await work.accounts.find_by_email(email)
    if attempts > MOST_FAILURES:
        raise await _blocked(culprit, means)
    return found, attempts


async def _note_failure(email: str, found: FoundUser | None, means: Means) -> None:
    """Count failures from all addresses together. Nobody is locked out by that; the owner is told, whoever that is.

    The failure is audited: where nobody has that address, in nobody's log, so that it takes the same time.
    """
    everywhere = who(email, "everywhere")
    tenant_id = found.tenant_id if found else NOBODY
    async with means.open_work([NOBODY, tenant_id]) as work:
        work.audit.refused(tenant_id, found.user_id if found else None)
        failures, told_until = await work.attempts.count(everywhere, work.now)
        if failures >= WARNED_OF and told_until is None:
            await work.attempts.block(everywhere, work.now + FORGOTTEN_AFTER)
            await work.mails.put_in(NOBODY, work.new_id(), "guessing", email, None, work.now)


async def _blocked(culprit: bytes, means: Means) -> DomainError:
    async with means.open_work([NOBODY]) as work:
        await work.attempts.block(culprit, work.now + BLOCKED_FOR)
    return _too_many(int(BLOCKED_FOR.total_seconds()))


async def note_refusal(refusal: DomainError, tenant_id: str, user_id: str, means: Means) -> None:
    """Leave in the audit log that whoever knew the password was refused for another thing that they could not prove."""
    if refusal.code == "invalid_credentials":
        async with means.open_work([tenant_id]) as work:
            work.audit.refused(tenant_id, user_id)


def wrong_credentials() -> DomainError:
    """Return the one refusal of whatever is wrong with e-mail and password."""
    return DomainError("invalid_credentials", "e-mail address or password is wrong")


def _too_many(retry_after: int) -> DomainError:
    return DomainError(
        "too_many_attempts", "too many failed attempts; wait before trying again", retry_after=retry_after
    )
