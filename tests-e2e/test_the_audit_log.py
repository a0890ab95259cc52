"""The audit log over the whole product: an administrator changes things and reads who did what; every operation that writes is in it."""

import secrets
from collections import Counter
from typing import Any

from furnishing import furnished
from product import Product, Tenant
from testkit.eventually import eventually
from web.works import NOBODY
from writing import write_everything

SILENT = {
    "POST /automation/rules/{rule_id}/test": "it tries a rule and writes nothing",
    "POST /automation/rules/{rule_id}/dry-run": "the same",
    "POST /webhooks/{webhook_id}": "providers are no people: deliveries are kept by themselves",
}
ONE_HANDLER = "libs/web's own, the same in each service: libs/web/tests/test_parked_events.py asks for its entry"
OF_MANY = ("tag_many", "reorder_rules")


async def log_of(tenant: Tenant, **query: str) -> list[dict[str, Any]]:
    return await tenant.all("/crm/audit-log?" + "&".join(f"{name}={value}" for name, value in query.items()))


async def told(tenant: Tenant, count: int = 1, **query: str) -> list[dict[str, Any]]:
    """Return the entries, once there are so many."""

    async def there() -> list[dict[str, Any]] | None:
        found = await log_of(tenant, **query)
        return found if len(found) >= count else None

    found = await eventually(there, within_s=15, because=f"{count} entries of {query}")
    assert found is not None and len(found) == count, found
    return found


async def test_an_administrator_reads_who_changed_what_and_nobody_else_does(product: Product) -> None:
    tenant, other = await product.shop("Audited"), await product.tenant("Other")
    marker, secret = f"text {secrets.token_hex(8)}", f"key-{secrets.token_hex(8)}"
    made = (await tenant.ask("POST", "/crm/contacts", json={"name": "Ana", "phone": "+5511987650999"})).json()
    headers = {"X-API-Key": tenant.api_key, "User-Agent": "Board/1.0", "X-Forwarded-For": "198.51.100.1"}
    renamed = await product.client.patch(
        f"/api/v1/crm/contacts/{made['id']}", headers=headers, json={"name": "Ana Souza"}
    )
    await tenant.ask("PATCH", f"/crm/channels/{tenant.channel_id}", json={"waha_config": {"api_key": secret}})
    sent = {"contact_id": made["id"], "channel_id": tenant.channel_id, "content_type": "text", "text": marker}

    async def accepted() -> dict[str, Any] | None:
        answer = await tenant.ask("POST", "/crm/messages", json=sent)
        return answer.json() if answer.status_code == 202 else None

    message = await eventually(accepted, within_s=15, because="messaging knows contact and channel")
    assert message is not None
    agents = (await tenant.ask("POST", "/auth/api-keys", json={"name": "agent", "role": "agent"})).json()
    assert renamed.status_code == 200, renamed.text

    (entry,) = await told(tenant, action="change_contact")
    (created,) = await told(tenant, object_id=made["id"], action="create_contact")
    (sending,) = await told(tenant, object_type="message")
    (channel,) = await told(tenant, action="change_channel")
    (issued,) = await told(tenant, action="create_api_key")

    assert entry["changes"]["name"] == {"from": "Ana", "to": "Ana Souza"}
    assert entry["actor"]["kind"] == "api_key" and entry["actor"]["name"]
    assert (entry["object_id"], entry["user_agent"], entry["ip"]) == (made["id"], "Board/1.0", "127.0.0.1")
    assert (entry["source"], entry["request_id"]) == ("contact", renamed.headers["x-request-id"])
    assert entry["correlation_id"] == renamed.headers["x-correlation-id"]
    assert created["changes"]["phone"] == {"from": None, "to": "+5511987650999"}
    assert (sending["action"], sending["object_id"], sending["changes"]) == ("send_message", message["message_id"], {})
    assert channel["changes"]["secret"] == {"from": None, "to": "replaced"}
    assert (issued["object_id"], issued["changes"]["role"]) == (agents["id"], {"from": None, "to": "agent"})
    everything = str(await log_of(tenant))
    kept_out = (marker, secret, agents["api_key"], tenant.api_key, tenant.webhook_secret)
    assert [each for each in kept_out if each in everything] == []

    refused = await product.client.get("/api/v1/crm/audit-log", headers={"X-API-Key": agents["api_key"]})
    assert (refused.status_code, refused.json()["required"]) == (403, "settings.manage")
    assert await log_of(other, object_id=made["id"]) == []
    assert {each["tenant_id"] for each in await log_of(other)} == {other.tenant_id}


async def test_every_operation_that_writes_leaves_exactly_one_entry(product: Product) -> None:
    writing = await writing_operations(product)
    tenant, ids = await furnished(product, "audited")
    await product.drained()
    before = Counter(each["action"] for each in [*await log_of(tenant), *await nobodys_log(product)])

    done, person = await write_everything(product, tenant, ids)

    excused = SILENT | {name: ONE_HANDLER for name in writing if name.endswith("/{parked_event_id}/redrive")}
    assert sorted(set(writing) - set(done) - set(excused)) == [], "show in writing.py how it is called"
    await product.drained()
    logs = [await log_of(tenant), await log_of(person), await nobodys_log(product)]
    left = Counter(each["action"] for log in logs for each in log) - before
    assert left == Counter(writing[name] for name in done if name not in SILENT)
    for entry in logs[0]:
        assert entry["object_id"] or entry["action"] in OF_MANY, entry


async def writing_operations(product: Product) -> dict[str, str]:
    """Return each operation that may write, with its action: the operation's id without the service in front."""
    document = (await product.client.get("/openapi.json")).json()
    found = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method not in ("get", "head"):
                name = f"{method.upper()} {path.removeprefix('/api/v1')}"
                found[name] = operation["operationId"].removeprefix(f"{operation['x-service'].replace('-', '_')}_")
    assert len(found) > 50
    return found


async def nobodys_log(product: Product) -> list[dict[str, Any]]:
    """Return the entries of requests that nobody knows whose they are."""
    connection = await product.superuser()
    try:
        rows = await connection.fetch("select action from identity.audit_entries where tenant_id = $1", NOBODY)
    finally:
        await connection.close()
    return [dict(row) for row in rows]
