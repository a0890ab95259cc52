"""The feed of events, through the gateway: what arrives stands in it once, for those who may see it."""

import asyncio
from typing import Any

from product import Product, Tenant
from waha_simulator.payloads import Person

ANA = Person(phone="5511987650077", lid="217000000030077", name="Ana Souza")


async def headers_of(tenant: Tenant, role: str) -> dict[str, str]:
    """Return what somebody of that role signs in with."""
    owner = {"Authorization": f"Bearer {tenant.access_token}"}
    made = await tenant.client.post("/api/v1/auth/api-keys", headers=owner, json={"name": role, "role": role})
    assert made.status_code == 201, made.text
    return {"X-API-Key": made.json()["api_key"]}


async def test_a_message_that_arrives_stands_in_the_feed_once_and_who_waits_hears_of_it_at_once(
    product: Product,
) -> None:
    tenant, other = await asyncio.gather(product.tenant("feed"), product.tenant("other"))
    viewer, agent = await asyncio.gather(headers_of(tenant, "viewer"), headers_of(tenant, "agent"))
    before = (await tenant.ask("GET", "/events?types=message.*")).json()
    address = f"/events?types=message.*&after={before['next_cursor']}"
    waiting = asyncio.create_task(tenant.ask("GET", f"{address}&wait=20"))
    body = tenant.text(ANA, "of the feed")

    for _ in range(2):  # the provider repeats itself
        assert (await tenant.post(body)).status_code == 200
    (event,) = (await waiting).json()["data"]
    await product.drained()

    assert before["data"] == []
    assert (event["type"], event["tenant_id"], event["data"]["content"]["text"]) == (
        "message.received",
        tenant.tenant_id,
        "of the feed",
    )
    contact = event["data"]["contact_id"]

    async def seen(path: str, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
        answer = await tenant.client.get(f"/api/v1{path}", headers=headers or {"X-API-Key": tenant.api_key})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    assert await seen(address) == await seen(address, viewer) == [event]
    assert await seen(f"/events?types=message.*&cursor={event['cursor']}") == []
    assert (await tenant.ask("GET", f"/events/{event['id']}")).json() == event
    for older in (
        f"/crm/contacts/{contact}/domain-events?types=message.received",
        f"/domain-events/by-type?event_type=message.received&contact_id={contact}",
    ):
        assert await seen(older) == [event], older
    told = {each["type"] for each in await seen(f"/events?contact_id={contact}&limit=100")}
    assert told >= {"contact.created", "session.started", "message.received", "contact.entered_pipeline"}
    assert (await tenant.client.get(f"/api/v1{address}", headers=agent)).status_code == 403
    theirs = (await other.ask("GET", "/events?limit=100")).json()["data"]
    assert theirs and {each["tenant_id"] for each in theirs} == {other.tenant_id}
    assert (await other.ask("GET", f"/events/{event['id']}")).status_code == 404
