"""Every new tenant gets one billing account."""

from typing import Any

from kernel.ids import new_id


async def test_a_new_tenant_gets_an_active_account_on_the_built_in_plan(house: Any) -> None:
    tenant = new_id()
    heard = house.registered(tenant)

    await house.hears(heard)

    (event,) = await house.served.said()
    assert event.type == "billing.account_created.v1"
    assert (event.tenantid, event.projectid, event.causationid) == (tenant, None, heard.id)
    assert event.partitionkey == event.subject == event.data.billing_account_id
    assert (event.data.status, event.data.plan_code) == ("active", "self_hosted")
    assert (event.data.name, event.data.billing_email) == ("Loja da Ana", "ana@example.com")


async def test_a_tenant_never_has_two_accounts(house: Any) -> None:
    one, other = new_id(), new_id()

    await house.hears(house.registered(one), house.registered(other), house.registered(one))
    await house.hears(house.registered(one))

    rows = await house.served.administrator.fetch("select tenant_id::text from billing.billing_accounts")
    assert sorted(row["tenant_id"] for row in rows) == sorted([one, other])
    assert len(await house.served.said()) == 2
