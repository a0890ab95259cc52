"""The agents that the product itself is: the same in every tenant, no row of anybody's, changed by nobody."""

from collections.abc import Mapping

from kernel.errors import DomainError

SYSTEM_AGENTS: Mapping[str, str] = {
    "00000000-0000-0000-0000-000000000001": "Broadcast agent",
    "00000000-0000-0000-0000-000000000002": "Sequence agent",
    "00000000-0000-0000-0000-000000000003": "Trigger agent",
    "00000000-0000-0000-0000-000000000004": "Webhook agent",
    "00000000-0000-0000-0000-000000000005": "Scheduled agent",
    "00000000-0000-0000-0000-000000000010": "Test agent",
    "00000000-0000-0000-0000-000000000099": "Default agent",
}
"""Reserved ids, and how they are called. Messages that no person wrote name one of them."""

AS_COLUMNS = (list(SYSTEM_AGENTS), list(SYSTEM_AGENTS.values()))
"""The same for lists, which take them as parameters."""


def refuse_system_agent(agent_id: str) -> None:
    """Raise rule_violated for an agent that nobody changes."""
    if agent_id in SYSTEM_AGENTS:
        raise DomainError("rule_violated", "system agents are fixed", rule="system_agent")
