"""Find a message of ours that somebody wants something done with."""

from kernel.errors import DomainError

from messaging.application.work import Work
from messaging.domain.progress import Tracked


async def find_sending(message_id: str, project_id: str, tenant_id: str, work: Work) -> Tracked:
    """Return a message of ours, locked until the transaction ends; raise not_found, or invalid_state for one of theirs."""
    found = await work.sendings.by_id({(tenant_id, message_id)})
    if not found or found[0].project_id != project_id:
        raise DomainError("not_found", "there is no such message")
    if found[0].inbound:
        raise DomainError("invalid_state", "somebody else wrote this message", current_state="received")
    return found[0]
