"""Billing accounts over HTTP."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from outbox.work import UnitOfWork
from postgres.listing import Listing
from web.bodies import PathId
from web.caller import TheCaller
from web.paging import ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from billing.application.work import Work as BillingWork
from billing.entrypoints.http.schemas import AccountAnswer, account_answer

WorkOf = Callable[[UnitOfWork], BillingWork]


def account_routes(work_of: WorkOf, accounts: Listing) -> Routes:
    """Return the routes of billing accounts."""
    routes = Routes("billing")

    @routes.get("/billing/accounts", permission="billing.view")
    async def list_billing_accounts(
        work: Work, caller: TheCaller, page: Annotated[Paging, paging(accounts, sort="-created_at")]
    ) -> ListAnswer[AccountAnswer]:
        """List the tenant's billing accounts: one that is alive."""
        return await page.answer(work.connection, caller.tenant_id, item=partial(account_answer, now=work.now))

    @routes.get("/billing/accounts/{account_id}", permission="billing.view")
    async def get_billing_account(account_id: PathId, work: Work, caller: TheCaller) -> AccountAnswer:
        """Read one billing account."""
        return account_answer(await work_of(work).accounts.get(caller.tenant_id, account_id), work.now)

    return routes
