"""Usage over HTTP."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Query
from outbox.work import UnitOfWork
from web.bodies import Id
from web.caller import TheCaller
from web.paging import AnyOf
from web.routes import Routes
from web.works import Work

from billing.application.read_usage import read_usage
from billing.application.work import Work as BillingWork
from billing.domain.metering import METRICS
from billing.entrypoints.http.schemas import DayOrTime, UsageList, usage_answer

WorkOf = Callable[[UnitOfWork], BillingWork]
Metrics = Annotated[list[str] | None, Query(), AnyOf(*METRICS)]


def usage_routes(work_of: WorkOf) -> Routes:
    """Return the routes of usage."""
    routes = Routes("billing")

    @routes.get("/billing/usage", permission="billing.view")
    async def read_usage_meters(
        work: Work,
        caller: TheCaller,
        billing_account_id: Annotated[Id | None, Query()] = None,
        project_id: Annotated[Id | None, Query()] = None,
        begin: Annotated[DayOrTime | None, Query(alias="from")] = None,
        end: Annotated[DayOrTime | None, Query(alias="to")] = None,
        metric: Metrics = None,
        group_by: Annotated[Literal["day", "month"], Query()] = "month",
    ) -> UsageList:
        """Tell what was used in each whole day or month (UTC) that [from, to) touches; by default the present month.

        Active contacts are those with a message in that day or month, so days do not add up to months.
        """
        rows = await read_usage(
            caller.tenant_id,
            period=group_by,
            begin=begin,
            end=end,
            project_id=project_id,
            account_id=billing_account_id,
            metrics=metric,
            work=work_of(work),
        )
        return UsageList(data=[usage_answer(group_by, row) for row in rows])

    return routes
