"""Ask for the code of a second factor, where a user has one."""

from kernel.errors import DomainError

from identity.application.prove_password import wrong_credentials
from identity.application.work import Work
from identity.domain.credentials import hash_of
from identity.domain.one_time_codes import normal_form, step_of


class CodeMissing(DomainError):  # noqa: N818 - what is wrong is what it is called for
    """The password was right, and a code is asked for. That is no failed attempt."""

    def __init__(self) -> None:
        super().__init__("invalid_credentials", "the code of your second factor is required", second_factor="required")


async def check_second_factor(tenant_id: str, user_id: str, code: str | None, *, work: Work) -> None:
    """Take the code, which works once; raise CodeMissing, or invalid_credentials for a wrong one."""
    factor = await work.second_factors.lock(tenant_id, user_id)
    if factor is None or not factor.confirmed:
        return
    if not code:
        raise CodeMissing
    typed = normal_form(code)
    step = step_of(factor.secret, typed, work.now, factor.last_step)
    if step is not None:
        await work.second_factors.take_step(tenant_id, user_id, step, work.now)
    elif not await work.second_factors.use_code(tenant_id, user_id, hash_of(typed), work.now):
        raise wrong_credentials()
