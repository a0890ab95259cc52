"""A person tells what became of a message: they have looked at the phone."""

from datetime import datetime

from kernel.cause import Cause
from kernel.errors import DomainError

from messaging.application.apply_outcomes import apply_outcomes
from messaging.application.find_sending import find_sending
from messaging.application.work import Work
from messaging.domain.outcome import Outcome
from messaging.domain.progress import Failure, Report
from messaging.domain.status import RANKS

DELIVERED = RANKS["delivered"]


async def confirm_message(
    message_id: str,
    status: str,
    *,
    at: datetime,
    external_id: str | None,
    failure_reason: str | None,
    project_id: str,
    by: Cause,
    work: Work,
) -> None:
    """Move a message forward on a person's word, by the rules that hold for every report; a lower rank changes nothing.

    Raises not_found; invalid_state for `sent` from anything but unknown, and for `failed` after it was delivered.
    """
    message = await find_sending(message_id, project_id, by.tenant_id, work)
    if status == "sent" and message.status != "unknown":
        raise DomainError("invalid_state", "only an unknown outcome can become sent", current_state=message.status)
    if status == "failed" and RANKS.get(message.status, 0) >= DELIVERED:
        raise DomainError("invalid_state", "it has been delivered", current_state=message.status)
    reason = failure_reason or "a person says that it did not arrive"
    failure = Failure("provider_error", reason) if status == "failed" else None
    report = Report(status, at, by, failure, {"evidence": "person"})
    await apply_outcomes(
        [Outcome(message.tenant_id, message.id, message.channel_id, report, provider_message_id=external_id)], work
    )
