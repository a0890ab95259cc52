"""The walls between tenants: every table of every schema, every route."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from product import SCHEMAS, Product, Tenant
from testkit.eventually import eventually
from waha_simulator.payloads import Person

ANA = Person(phone="5511987650021", lid="217000000030001", name="Ana Souza")

TABLES_WITHOUT_A_WALL = {"migrations"}
"""Product data without tenant: the version table of each schema."""
MAY_BE_EMPTY = {
    # what has been done or said, and what nobody asked for
    *("outbox_pending", "idempotency_keys", "channel_checks", "media_objects"),
    # what waits for something else for a moment
    *("pending_acks", "held_deliveries", "waiting_triggers"),
    # what only goes wrong
    *("parked_events", "sign_in_failures", "budget_notices", "chat_pauses"),
}
"""Tables that may hold nothing of a tenant that is well; all others are shown to hide something."""


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
    (pipeline,) = await tenant.all("/crm/pipelines?include=statuses")

    async def tagged() -> bool:
        return tag in (await tenant.ask("GET", f"/crm/contacts/{contact_id}")).json()["tags"]

    await eventually(tagged, within_s=20, because="the rule's tag")
    return tenant, {
        "contact_id": contact_id,
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
        "key": field,
        "tag": tag,
    }


async def test_every_table_of_every_schema_stands_behind_the_wall(product: Product) -> None:
    one, other = [tenant for tenant, _ in await asyncio.gather(furnished(product, "one"), furnished(product, "other"))]
    connection = await product.superuser()
    try:
        tables = await connection.fetch(
            "select n.nspname as schema, c.relname as name, c.relrowsecurity and c.relforcerowsecurity as walled,"
            " exists(select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id') as owned"
            " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = any($1) and c.relkind in ('r', 'p') and not c.relispartition",
            SCHEMAS,
        )
        assert len(tables) > 60
        empty = set()
        for table in tables:
            place = f"{table['schema']}.{table['name']}"
            assert table["walled"] or table["name"] in TABLES_WITHOUT_A_WALL, f"{place} has no wall"
            if not table["owned"]:
                continue
            for tenant in (one, other):
                if not await connection.fetchval(
                    f"select exists(select from {place} where tenant_id = $1::uuid)", tenant.tenant_id
                ):
                    empty.add(table["name"])
            async with connection.transaction():
                await connection.execute(f"set local role {table['schema']}_app")
                for setting, wanted in (("", []), (other.tenant_id, [other.tenant_id])):
                    await connection.execute("select set_config('app.tenant_ids', $1, true)", setting)
                    if not await connection.fetchval(f"select has_table_privilege('{place}', 'select')"):
                        continue
                    seen = await connection.fetch(f"select distinct tenant_id::text from {place}")
                    assert {row["tenant_id"] for row in seen} <= set(wanted), f"{place} shows others' rows"
        assert empty - MAY_BE_EMPTY == set(), "tables whose wall hides nothing here"
        strangers = await connection.fetch(
            "select p.oid::regprocedure::text as function from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
            " where n.nspname = any($1) and p.prosecdef and has_function_privilege('public', p.oid, 'execute')",
            SCHEMAS,
        )
        assert strangers == [], "anybody may call what runs with somebody else's rights"
        for schema in SCHEMAS:
            for foreign in set(SCHEMAS) - {schema}:
                assert not await connection.fetchval(
                    "select has_schema_privilege($1, $2, 'usage')", f"{schema}_app", foreign
                )
    finally:
        await connection.close()


async def test_another_tenant_sees_and_changes_nothing_through_any_route_with_either_wall_alone(
    product: Product,
) -> None:
    (one, ids), (other, own) = await asyncio.gather(furnished(product, "one"), furnished(product, "other"))
    await product.drained()
    before = await snapshot(product, one)
    await try_every_route(product, one, ids, other, own)
    async with statements_alone(product):
        await try_every_route(product, one, ids, other, own)
        assert await snapshot(product, one) == before
    await product.drained()
    assert await snapshot(product, one) == before


@asynccontextmanager
async def statements_alone(product: Product) -> AsyncIterator[None]:
    """Take row-level security away from every table: what statements name must be enough."""
    connection = await product.superuser()
    tables = await connection.fetch(
        "select format('%I.%I', n.nspname, c.relname) as place from pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace where n.nspname = any($1) and c.relrowsecurity",
        SCHEMAS,
    )
    assert len(tables) > 60
    try:
        for table in tables:
            await connection.execute(f"alter table {table['place']} disable row level security")
        yield
    finally:
        for table in tables:
            await connection.execute(f"alter table {table['place']} enable row level security")
        await connection.close()


async def try_every_route(
    product: Product, one: Tenant, ids: dict[str, str], other: Tenant, own: dict[str, str]
) -> None:
    """Ask every operation of the document as `other`, with the ids of `one`."""
    others_ids = {
        **ids,
        "parked_event_id": ids["message_id"],
        "billing_account_id": ids["account_id"],
    }
    document = (await product.client.get("/openapi.json")).json()
    seen: set[str] = set()
    for path, operations in document["paths"].items():
        names = re.findall(r"{(\w+)}", path)
        short = path.removeprefix("/api/v1")
        for method, operation in operations.items():
            if operation.get("x-permission") in ("public", "operator", None):
                continue
            body = body_for(method, short, others_ids, own)
            if method == "get" and not names:
                for query in ("", *queries_of(operation, others_ids)):
                    answer = await other.ask("GET", f"{short}{query}")
                    assert answer.status_code in (200, 400, 404, 422), f"{path}{query}: {answer.text}"
                    assert not any(each in answer.text for each in (one.tenant_id, *ids.values())), f"{path}{query}"
                    seen.add(f"{method} {path}")
            elif names or body:
                filled = re.sub(r"{(\w+)}", lambda name: others_ids[name[1]], short)
                answer = await other.ask(
                    method.upper(), filled, **({} if method in ("get", "delete") else {"json": body})
                )
                nobody_met = answer.status_code == 200 and answer.json().get("not_found") == [ids["contact_id"]]
                assert answer.status_code in (400, 404, 422) or nobody_met, f"{method} {path}: {answer.text}"
                assert one.tenant_id not in answer.text
                seen.add(f"{method} {path}")
    untried = {
        path
        for path, operations in document["paths"].items()
        for method in operations
        if f"{method} {path}" not in seen
    }
    assert {path for path in untried if "{" in path} <= {"/api/v1/webhooks/{webhook_id}"}


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
