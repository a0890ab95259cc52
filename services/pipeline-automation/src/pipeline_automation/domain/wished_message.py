"""A message that a rule wished for."""

from dataclasses import dataclass

from pipeline_automation.domain.execution import Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class WishedMessage:
    """`chat_key` is that of the chat in which it will stand, or the contact's id while its channel is not chosen yet."""

    id: str
    execution: Execution
    action_index: int
    chat_key: str
