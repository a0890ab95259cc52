"""Tell how much a tenant used."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from billing.application.work import Work
from billing.domain.metering import METRICS
from billing.domain.periods import whole_periods


async def read_usage(
    tenant_id: str,
    *,
    period: str,
    begin: datetime | None,
    end: datetime | None,
    project_id: str | None,
    account_id: str | None,
    metrics: Sequence[str] | None,
    work: Work,
) -> list[Any]:
    """Return what was used in each whole day or month that [begin, end) touches; the present month where nothing is given."""
    begin, end = whole_periods(period, begin, end, work.now)
    if account_id is not None and account_id != await work.accounts.id_of(tenant_id):
        return []
    return await work.meters.read(tenant_id, period, begin, end, project_id=project_id, metrics=metrics or METRICS)
