"""Which action of which execution a command carries out."""

from contracts.fields import Wire


class ExecutionRef(Wire, kw_only=True):
    """Copied into the answer, so that the execution learns what became of its action."""

    rule_id: str
    execution_id: str
    action_index: int
