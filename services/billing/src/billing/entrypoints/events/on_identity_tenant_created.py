"""Every tenant has a billing account from the beginning."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.identity.tenant_created_v1 import IdentityTenantCreatedV1

from billing.application.open_accounts import open_accounts
from billing.application.work import NewAccount, Work

HEARS = IdentityTenantCreatedV1


async def on_identity_tenant_created(events: Sequence[Event[IdentityTenantCreatedV1]], work: Work) -> None:
    """Open the accounts of new tenants."""
    accounts = [
        NewAccount(
            id=work.new_id(),
            tenant_id=event.tenantid,
            name=event.data.name,
            billing_email=event.data.owner_email,
            heard=event,
        )
        for event in events
    ]
    await open_accounts(accounts, work)
