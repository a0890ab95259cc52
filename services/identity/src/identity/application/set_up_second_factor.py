"""Set up a second factor: a secret for the device, and then the proof that the device has it."""

import secrets

from kernel.cause import Cause
from kernel.errors import DomainError

from identity.application.prove_password import prove_password
from identity.application.work import NOBODY, Means, Work
from identity.domain.account import User
from identity.domain.attempts import who
from identity.domain.credentials import hash_of
from identity.domain.one_time_codes import SECRET_BYTES, make_recovery_codes, normal_form, step_of
from identity.domain.refusals import refused


async def begin_second_factor(
    user_id: str, password: str, *, address: str, by: Cause, means: Means
) -> tuple[User, bytes]:
    """Return the user and a fresh secret, which asks for nothing until it is confirmed.

    Raises invalid_credentials or too_many_attempts for the password, invalid_state where there is a factor already.
    """
    async with means.open_work([by.tenant_id]) as work:
        user = await work.accounts.user(by.tenant_id, user_id)
    await prove_password(user.email, password, address=address, means=means)
    secret = secrets.token_bytes(SECRET_BYTES)
    async with means.open_work([by.tenant_id, NOBODY]) as work:
        await work.attempts.forget(who(user.email, address))
        if not await work.second_factors.begin(by.tenant_id, user_id, secret):
            raise DomainError("invalid_state", "there is a second factor; end it first", current_state="on")
        work.audit.wrote(by.tenant_id, user_id)
    return user, secret


async def confirm_second_factor(user_id: str, code: str, *, by: Cause, work: Work) -> list[str]:
    """From now on a code is asked for at sign-in; return the recovery codes, shown this once."""
    factor = await work.second_factors.lock(by.tenant_id, user_id)
    if factor is None or factor.confirmed:
        state = "off" if factor is None else "on"
        raise DomainError("invalid_state", "there is nothing to confirm", current_state=state)
    step = step_of(factor.secret, normal_form(code), work.now, factor.last_step)
    if step is None:
        raise refused("code", "not_allowed", "that is not the code which your device shows now")
    await work.second_factors.take_step(by.tenant_id, user_id, step, work.now)
    codes = make_recovery_codes()
    await work.second_factors.keep_codes(by.tenant_id, user_id, [hash_of(normal_form(each)) for each in codes])
    return codes
