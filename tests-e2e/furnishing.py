"""A tenant that has something of everything, how it stands, and bodies that would change it."""

from typing import Any

from product import SCHEMAS, Product, Tenant
from testkit.eventually import eventually
from waha_simulator.payloads import Person

ANA = Person(phone="5511987650021", lid="217000000030001", name="Ana Souza")


async def furnished(product: Product, name: str) -> tuple[Tenant, dict[str, str]]:
    """Make a tenant that has something of everything; return it with the ids of what it has.

    Every such tenant has the same customer, who wrote the same.
    """
    tag, field = f"only-{name}", f"secret_{name}"
    tenant = await product.shop(name)
    rule = await tenant.rule(
        "message.received", ("send_message", {"content": "Hello {{ contact.name }}"}), ("add_tag", {"tag": tag})
    )
    made = await tenant.ask("POST", "/crm/custom-fields", json={"key": field, "type": "text"})
    assert made.status_code == 201, made.text
    await tenant.whatsapp.writes(ANA, "of one")

    async def answered() -> dict[str, Any] | None:
        return next(
            (each for each in await tenant.all("/crm/messages") if each["status"] == "delivered" and each["from_me"]),
            None,
        )

    message = await eventually(answered, within_s=20, because="the rule's answer is delivered")
    assert message is not None
    contact_id = message["contact_id"]
    filled = await tenant.ask("PUT", f"/crm/contacts/{contact_id}/custom-fields/{field}", json={"value": "secret"})
    assert filled.status_code == 200, filled.text
    invited = {"email": f"{tenant.session}@example.com", "role": "agent"}
    member = await tenant.ask("POST", f"/crm/projects/{message['project_id']}/members", json=invited)
    assert member.status_code == 201, member.text
    (pipeline,) = await tenant.all("/crm/pipelines?include=statuses")

    async def tagged() -> bool:
        return tag in (await tenant.ask("GET", f"/crm/contacts/{contact_id}")).json()["tags"]

    await eventually(tagged, within_s=20, because="the rule's tag")
    heard = (await tenant.ask("GET", f"/events?types=message.received&contact_id={contact_id}&wait=20")).json()["data"]
    return tenant, {
        "contact_id": contact_id,
        "event_id": heard[0]["id"],
        "session_id": (await tenant.all("/crm/sessions"))[0]["id"],
        "chat_id": message["chat_id"],
        "message_id": message["id"],
        "external_id": message["external_id"],
        "channel_id": tenant.channel_id,
        "api_key_id": (await tenant.all("/auth/api-keys"))[0]["id"],
        "pipeline_id": pipeline["id"],
        "status_id": pipeline["statuses"][0]["id"],
        "rule_id": rule["id"],
        "account_id": (await tenant.all("/billing/accounts"))[0]["id"],
        "project_id": message["project_id"],
        "member_id": member.json()["id"],
        "agent_id": (await tenant.all("/crm/agents?type=human"))[0]["id"],
        "key": field,
        "tag": tag,
    }


Body = dict[str, Any]


def body_for(method: str, path: str, ids: dict[str, str], own: dict[str, str]) -> Body:
    """Return a body that would do something if the wall did not stand: with another tenant's ids where it takes some."""
    place = {"pipeline_id": ids["pipeline_id"], "status_id": ids["status_id"]}
    move = {"action": "change_pipeline_status", "parameters": {"status_id": ids["status_id"]}}
    step = {"action": "add_tag", "parameters": {"tag": "x"}}
    rule = {"automation_type": "event", "name": "x", "trigger": "message.received"}
    text = {"content_type": "text", "text": "of other"}
    bodies: dict[str, Body] = {
        "post /crm/messages": {**text, "chat_id": ids["chat_id"]},
        "post /automation/rules": {**rule, "pipeline_id": ids["pipeline_id"], "actions": [move]},
        "post /automation/rules/reorder": {"rule_ids": [ids["rule_id"]]},
        "patch /automation/rules/{rule_id}": {"name": "x", "actions": [step]},
        "post /automation/rules/{rule_id}/dry-run": {"last": 5},
        "post /automation/rules/{rule_id}/duplicate": {"name": "x"},
        "post /crm/contacts/bulk-tags": {"contact_ids": [ids["contact_id"]], "add": ["x"]},
        "post /crm/agents": {"name": "x", "email": "x@example.com", "user_id": ids["member_id"]},
        "patch /crm/agents/{agent_id}": {"name": "x"},
        "put /crm/agents/{agent_id}/status": {"status": "away"},
        "put /crm/agents/{agent_id}/virtual/end-period": {"period_end": "2026-01-01T00:00:00Z"},
        "patch /crm/projects/{project_id}": {"name": "x"},
        "post /crm/projects/{project_id}/members": {"email": "x@example.com", "role": "admin"},
        "patch /crm/projects/{project_id}/members/{member_id}": {"role": "viewer"},
        "patch /crm/contacts/{contact_id}": {"name": "x"},
        "put /crm/contacts/{contact_id}/custom-fields/{key}": {"value": "x"},
        "patch /crm/contacts/{contact_id}/pipeline-status": place,
        "patch /crm/channels/{channel_id}": {"name": "x"},
        "patch /crm/pipelines/{pipeline_id}": {"name": "x"},
        "post /crm/pipelines/{pipeline_id}/contacts/move": {
            "contact_ids": [ids["contact_id"]],
            "status_id": ids["status_id"],
        },
        "post /crm/pipelines/{pipeline_id}/statuses": {"name": "x", "status_type": "open"},
        "put /crm/pipelines/{pipeline_id}/statuses/order": {"status_ids": [ids["status_id"]]},
        "patch /crm/pipelines/{pipeline_id}/statuses/{status_id}": {"name": "x"},
        "post /crm/messages/{message_id}/mark-delivered": {"status": "read"},
        "post /crm/sessions/{session_id}/close": {"reason": "resolved"},
    }
    return bodies.get(f"{method} {path}", {})


def queries_of(operation: dict[str, Any], ids: dict[str, str]) -> list[str]:
    """Return what asks a list for what belongs to another tenant, one filter at a time."""
    names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
    return [f"?{name}={ids[name]}" for name in names if name in ids]


async def snapshot(product: Product, tenant: Tenant) -> dict[str, list[str]]:
    """Return the versions of everything that a tenant has."""
    connection = await product.superuser()
    try:
        tables = await connection.fetch(
            "select format('%I.%I', n.nspname, c.relname) as place from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace where n.nspname = any($1) and c.relkind = 'r'"
            " and not c.relispartition and 3 = (select count(*) from pg_attribute a"
            " where a.attrelid = c.oid and a.attname in ('tenant_id', 'id', 'version'))",
            SCHEMAS,
        )
        assert len(tables) > 10
        query = "select id::text || ':' || version as v from {} where tenant_id = $1::uuid order by id"
        return {
            table["place"]: [row["v"] for row in await connection.fetch(query.format(table["place"]), tenant.tenant_id)]
            for table in tables
        }
    finally:
        await connection.close()
