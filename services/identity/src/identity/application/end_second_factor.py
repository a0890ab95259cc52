"""End a second factor, which one proves to have."""

from kernel.cause import Cause
from kernel.errors import DomainError

from identity.application.check_second_factor import check_second_factor
from identity.application.prove_password import note_refusal, prove_password
from identity.application.work import NOBODY, Means
from identity.domain.attempts import who


async def end_second_factor(user_id: str, password: str, code: str, *, address: str, by: Cause, means: Means) -> None:
    """Raise invalid_credentials or too_many_attempts for password or code."""
    async with means.open_work([by.tenant_id]) as work:
        user = await work.accounts.user(by.tenant_id, user_id)
    await prove_password(user.email, password, address=address, means=means)
    try:
        async with means.open_work([by.tenant_id, NOBODY]) as work:
            await check_second_factor(by.tenant_id, user_id, code, work=work)
            await work.attempts.forget(who(user.email, address))
            await work.second_factors.end(by.tenant_id, user_id)
            work.audit.wrote(by.tenant_id, user_id)
    except DomainError as refusal:
        await note_refusal(refusal, by.tenant_id, user_id, means)
        raise
