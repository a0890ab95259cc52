"""End the sign-in that a call was made with, or all of that person."""

from kernel.cause import Cause

from identity.application.work import Work


async def log_out(user_id: str, sign_in_id: str, *, all_sessions: bool, by: Cause, work: Work) -> None:
    """Gateways deny what ended within seconds. What had ended before is not said again."""
    if all_sessions:
        if await work.sign_ins.revoke_all(by.tenant_id, user_id, "signed_out", work.now):
            work.announcements.all_sign_ins_revoked(user_id, by)
    elif await work.sign_ins.revoke(by.tenant_id, sign_in_id, "signed_out", work.now):
        work.announcements.sign_in_revoked(user_id, sign_in_id, by)
