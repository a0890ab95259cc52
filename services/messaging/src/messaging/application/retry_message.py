"""Send a failed message again, as a new one."""

from dataclasses import replace

from kernel.errors import DomainError

from messaging.application.send_message import send_message
from messaging.application.work import Row, Work
from messaging.domain.outgoing import Outgoing
from messaging.domain.steps import Step
from messaging.domain.wish import Wish


async def retry_message(failed: Row, wish: Wish, work: Work) -> Outgoing:
    """Queue what a failed message said, in its chat; `wish` names who asks. Raises invalid_state, or why it is refused now."""
    if failed["status"] != "failed":
        raise DomainError("invalid_state", "only a failed message can be tried again", current_state=failed["status"])
    answers = failed["reply_to_message_id"]
    wish = replace(
        wish,
        chat_id=str(failed["chat_id"]),
        reply_to_message_id=str(answers) if answers else None,
        metadata=failed["metadata"],
        retry_of_id=str(failed["id"]),
    )
    message = await send_message(wish, work)
    step = Step(wish.tenant_id, str(failed["id"]), message.event_id, "retried", None, work.now)
    await work.sendings.note([step])
    return message
