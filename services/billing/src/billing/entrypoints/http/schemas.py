"""What accounts and usage look like over HTTP."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from web.bodies import Answer, Id, Time, read_time

from billing.domain.account import may_act
from billing.domain.periods import DAY, end_of

_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def read_day_or_time(value: object) -> datetime:
    """Return an aware time; a date alone is the beginning of that day in UTC."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        value = f"{value}T00:00:00Z"
    return read_time(value)


DayOrTime = Annotated[
    datetime,
    BeforeValidator(read_day_or_time),
    WithJsonSchema({"type": "string", "description": "2026-03-04 (in UTC), or 2026-03-04T05:06:07Z"}),
]


class AccountAnswer(Answer):
    """A billing account."""

    id: Id
    tenant_id: Id
    version: int
    created_at: Time
    updated_at: Time
    name: str
    billing_email: str | None
    plan_code: str
    payment_status: str
    currency: str
    stripe_customer_id: str | None
    default_payment_method_id: Id | None = None
    suspended_at: Time | None
    suspension_reason: str | None
    trial_ends_at: Time | None
    can_create_project: bool
    can_send: bool


class UsageAnswer(Answer):
    """What one metric of one project came to in a day or month. `included` null: unlimited; `last_reported_at` null: to nobody."""

    metric: str
    project_id: Id
    quantity: int
    included: int | None = None
    period_start: Time
    period_end: Time
    month: str
    day: str | None
    last_reported_at: Time | None = None


class UsageList(Answer):
    """All that was used in the periods that were asked for, oldest first."""

    data: list[UsageAnswer]


def account_answer(row: Mapping[str, Any], now: datetime) -> AccountAnswer:
    """Return the answer for an account's row, with what it may do at `now`."""
    acts = may_act(row["payment_status"], row["trial_ends_at"], now)
    return AccountAnswer.of(row, can_create_project=acts, can_send=acts)


def usage_answer(period: str, row: Mapping[str, Any]) -> UsageAnswer:
    """Return the answer for what was used in one day or month."""
    start: datetime = row["starts_at"]
    return UsageAnswer(
        metric=row["metric"],
        project_id=row["project_id"],
        quantity=row["quantity"],
        period_start=start,
        period_end=end_of(period, start),
        month=f"{start:%Y-%m}",
        day=f"{start:%Y-%m-%d}" if period == DAY else None,
    )
