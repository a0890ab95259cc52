"""One look of one rule at one event: whether it matched, what was done, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pipeline_automation.domain.heard import Heard
from pipeline_automation.domain.rule import StoredRule

KEPT, MISSES_KEPT = timedelta(days=90), timedelta(days=7)
"""How long what matched is kept, and what did not."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one action: done, refused, failed or skipped, and in words why."""

    index: int
    action: str
    outcome: str
    detail: str | None = None
    message_id: str | None = None

    def shown(self) -> dict[str, Any]:
        """Return it as it is stored and told."""
        return {
            "index": self.index,
            "action": self.action,
            "outcome": self.outcome,
            **({} if self.detail is None else {"detail": self.detail}),
            **({} if self.message_id is None else {"message_id": self.message_id}),
        }


@dataclass(slots=True, kw_only=True)
class Execution:
    """`reason` is why nothing ran; where it is None, `results` tell what did."""

    id: str
    rule: StoredRule
    heard: Heard
    matched: bool
    conditions: Sequence[Mapping[str, Any]] = ()
    reason: str | None = None
    results: list[Result] = field(default_factory=list)

    @property
    def state(self) -> str:
        """Return what the execution amounts to."""
        if self.reason is not None:
            return "skipped"
        return state_of([result.outcome for result in self.results], self.rule.rule.on_error)


def state_of(outcomes: Sequence[str], on_error: str) -> str:
    """Return succeeded, partly_failed or failed; what was held back on purpose is no failure."""
    broken = [outcome in ("failed", "refused") for outcome in outcomes]
    if not any(broken):
        return "succeeded"
    if on_error == "stop" or "done" not in outcomes:
        return "failed"
    return "partly_failed"


def failed_index(results: Sequence[Result]) -> int:
    """Return the index of the first action that failed."""
    return next(result.index for result in results if result.outcome in ("failed", "refused"))
