"""Open the billing accounts of new tenants."""

from collections.abc import Sequence

from billing.application.work import NewAccount, Work


async def open_accounts(accounts: Sequence[NewAccount], work: Work) -> None:
    """Open one account for each tenant that has none; without a payment provider it is active at once."""
    wanted = {account.tenant_id: account for account in reversed(accounts)}
    for row in await work.accounts.open(sorted(wanted.values(), key=lambda account: account.tenant_id)):
        work.announcements.account_created(row, wanted[str(row["tenant_id"])].heard)
