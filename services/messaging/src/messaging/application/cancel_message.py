"""Withdraw a message that has not left yet."""

from kernel.cause import Cause
from kernel.errors import DomainError

from messaging.application.find_sending import find_sending
from messaging.application.work import Work
from messaging.domain.steps import Step


async def cancel_message(
    message_id: str, *, project_id: str, agent_id: str | None, leads: bool, by: Cause, work: Work
) -> None:
    """Ask the gateway not to send a queued message; it says whether it was in time. Asking again changes nothing.

    `leads`: may withdraw what others wrote. Raises not_found, permission_denied, or invalid_state when it is not queued any more.
    """
    message = await find_sending(message_id, project_id, by.tenant_id, work)
    if not leads and (message.sender_id is None or message.sender_id != agent_id):
        raise DomainError("permission_denied", "others may withdraw only what they wrote", required="supervisor")
    if message.status != "queued":
        raise DomainError("invalid_state", "only a queued message can be withdrawn", current_state=message.status)
    if await work.sendings.ask_to_cancel(message):
        event_id = work.announcements.cancel_requested(message, by)
        await work.sendings.note([Step(message.tenant_id, message.id, event_id, "cancel_requested", None, work.now)])
