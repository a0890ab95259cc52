"""What a message went through, step by step, as people are shown it."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from messaging.domain.outgoing import Outgoing
from messaging.domain.progress import Progress, Report, Tracked


@dataclass(frozen=True, slots=True)
class Step:
    """`event_id` is that of the event which told of it, or which brought it. `detail` is JSON."""

    tenant_id: str
    message_id: str
    event_id: str
    name: str
    status: str | None
    at: datetime
    detail: str = field(default="{}")


def step_of(message: Tracked, event_id: str, name: str, status: str | None, report: Report) -> Step:
    """Return the step that a report made."""
    detail: dict[str, Any] = dict(report.detail)
    if report.failure is not None:
        detail |= {"code": report.failure.code, "reason": report.failure.message}
    return Step(message.tenant_id, message.id, event_id, name, status, report.at, json.dumps(detail))


def late_steps(progress: Progress, event_ids: list[str]) -> list[Step]:
    """Return the steps of reports that came after the end."""
    return [
        step_of(message, event_id, "late_ack", report.status, report)
        for (message, report), event_id in zip(progress.late, event_ids, strict=True)
    ]


def first_step(message: Outgoing) -> Step:
    """Return the step with which a message of ours begins."""
    wish, refusal = message.wish, message.refusal
    detail: dict[str, Any] = {"source": wish.source}
    if wish.retry_of_id is not None:
        detail["retry_of_id"] = wish.retry_of_id
    if refusal is not None:
        detail |= {"code": refusal.code, "reason": refusal.detail}
    return Step(
        wish.tenant_id,
        wish.message_id,
        message.event_id,
        message.status,
        message.status,
        message.queued_at,
        json.dumps(detail),
    )
