"""What keeps rules from running in circles, beyond the depth of a chain.

Counts come from what is stored; what happens in this batch is added while it happens.
"""

from dataclasses import dataclass, field

from pipeline_automation.domain.heard import Heard
from pipeline_automation.domain.rule import StoredRule

DEEPEST_HOP = 5
MOST_IN_CHAT, CHAT_MINUTES, PAUSE_MINUTES = 20, 10, 60
"""Automated messages in one chat within these minutes; then automation pauses there."""
MOST_IN_A_MINUTE = 1000
MOST_FAILURES_IN_A_ROW = 20

Pair = tuple[str, str, str | None]
"""Tenant, rule, contact."""
Chat = tuple[str, str]
"""Tenant, key of the chat."""


@dataclass(slots=True, kw_only=True)
class Past:
    """What had happened before this batch, of the rules, contacts and chats that it concerns."""

    looked_at: set[tuple[str, str, str]] = field(default_factory=set)
    """Tenant, rule, event: what has an execution already."""
    chains: set[tuple[str, str, str | None, str]] = field(default_factory=set)
    """Tenant, rule, contact, correlation: where the rule ran already."""
    ran: dict[Pair, int] = field(default_factory=dict)
    """How often a rule ran for a contact within the hours of its budget."""
    in_last_minute: dict[tuple[str, str], int] = field(default_factory=dict)
    """Tenant, rule → how often it ran in the last minute."""
    messages: dict[Chat, int] = field(default_factory=dict)
    """How many automated messages a chat got in the last minutes."""
    paused: set[Chat] = field(default_factory=set)


class LoopGuard:
    """Decides for one batch. It remembers what it let pass, and what it has to tell people."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self.new_pauses: dict[Chat, tuple[StoredRule, Heard]] = {}
        self.too_busy: dict[tuple[str, str], Heard] = {}
        """Rules (tenant, rule) that ran too often in the last minute, with an event that they were not run for."""

    def stops(self, rule: StoredRule, heard: Heard) -> str | None:
        """Return why a rule that matches must not run for this event; None where it may, which is noted."""
        past = self._past
        pair = (rule.tenant_id, rule.id, heard.contact_id)
        chain = (*pair, heard.correlation_id)
        one_rule = (rule.tenant_id, rule.id)
        if chain in past.chains:
            return "same_chain"
        if past.ran.get(pair, 0) >= rule.rule.max_count:
            return "budget"
        if past.in_last_minute.get(one_rule, 0) >= MOST_IN_A_MINUTE:
            self.too_busy[one_rule] = heard
            return "too_busy"
        past.chains.add(chain)
        past.ran[pair] = past.ran.get(pair, 0) + 1
        past.in_last_minute[one_rule] = past.in_last_minute.get(one_rule, 0) + 1
        return None

    def may_write(self, chat_key: str, rule: StoredRule, heard: Heard) -> bool:
        """Tell whether automation may write into a chat now; a message that may is counted."""
        chat = (rule.tenant_id, chat_key)
        if chat in self._past.paused:
            return False
        if self._past.messages.get(chat, 0) >= MOST_IN_CHAT:
            self._past.paused.add(chat)
            self.new_pauses[chat] = (rule, heard)
            return False
        self._past.messages[chat] = self._past.messages.get(chat, 0) + 1
        return True


def too_deep(heard: Heard) -> bool:
    """Tell whether a chain of events has gone on for too long."""
    return heard.hop > DEEPEST_HOP
