"""The walls between tenants: every table of every schema, every route."""

import re

from kernel.ids import new_id
from product import SCHEMAS, Product, Tenant
from waha_simulator.payloads import Person

ANA = Person(phone="5511987650021", lid="217000000030001", name="Ana Souza")

TABLES_WITHOUT_A_WALL = {"migrations"}
"""Product data without tenant: the version table of each schema."""


async def test_every_table_of_every_schema_stands_behind_the_wall(product: Product) -> None:
    one, other = await product.tenant("One"), await product.tenant("Other")
    for tenant in (one, other):  # the same person, message id and session name on both sides
        await tenant.post(tenant.text(ANA, f"for {tenant.tenant_id}", bare_id="3EB0SAMEID"))
    for tenant in (one, other):
        assert [each["text"] for each in await tenant.messages(1)] == [f"for {tenant.tenant_id}"]
    connection = await product.superuser()
    try:
        tables = await connection.fetch(
            "select n.nspname as schema, c.relname as name, c.relrowsecurity and c.relforcerowsecurity as walled,"
            " exists(select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id') as owned"
            " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = any($1) and c.relkind in ('r', 'p') and not c.relispartition",
            SCHEMAS,
        )
        assert len(tables) > 25
        for table in tables:
            place = f"{table['schema']}.{table['name']}"
            assert table["walled"] or table["name"] in TABLES_WITHOUT_A_WALL, f"{place} has no wall"
            if not table["owned"]:
                continue
            async with connection.transaction():
                await connection.execute(f"set local role {table['schema']}_app")
                for setting, wanted in (("", []), (other.tenant_id, [other.tenant_id])):
                    await connection.execute("select set_config('app.tenant_ids', $1, true)", setting)
                    if not await connection.fetchval(f"select has_table_privilege('{place}', 'select')"):
                        continue
                    seen = await connection.fetch(f"select distinct tenant_id::text from {place}")
                    assert {row["tenant_id"] for row in seen} <= set(wanted), f"{place} shows others' rows"
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


async def test_another_tenant_sees_nothing_through_any_route(product: Product) -> None:
    one, other = await product.tenant("One"), await product.tenant("Other")
    await one.post(one.text(ANA, "secret of one", bare_id="3EB0SECRET"))
    await one.messages(1)
    ids = {
        "contact_id": (await one.all("/crm/contacts"))[0]["id"],
        "session_id": (await one.all("/crm/sessions"))[0]["id"],
        "chat_id": (await one.all("/crm/chats"))[0]["id"],
        "message_id": (await one.all("/crm/messages"))[0]["id"],
        "channel_id": one.channel_id,
        "api_key_id": (await one.all("/auth/api-keys"))[0]["id"],
    }
    document = (await product.client.get("/openapi.json")).json()
    before = await snapshot(product, one)
    tried = 0
    for path, operations in document["paths"].items():
        names = re.findall(r"{(\w+)}", path)
        for method, operation in operations.items():
            if operation.get("x-permission") in ("public", "operator", None) or "/webhooks" in path:
                continue
            short = path.removeprefix("/api/v1")
            if not names:
                if method == "get":
                    answer = await other.ask("GET", short)
                    assert one.tenant_id not in answer.text, path
                    assert not any(each in answer.text for each in ids.values()), path
                    tried += 1
                continue
            filled = short
            for name in names:
                filled = filled.replace(f"{{{name}}}", value_for(name, short, ids))
            answer = await other.ask(method.upper(), filled, **({"json": {}} if method in ("post", "patch") else {}))
            assert answer.status_code in (400, 404), f"{method} {path}: {answer.status_code}"
            assert one.tenant_id not in answer.text
            tried += 1
    assert tried > 15
    assert await snapshot(product, one) == before


def value_for(name: str, path: str, ids: dict[str, str]) -> str:
    """Return the first tenant's id for a path parameter."""
    if name in ids:
        return ids[name]
    if name == "service":
        return "contact"
    return next((value for kind, value in ids.items() if kind.removesuffix("_id").replace("_", "-") in path), new_id())


async def snapshot(product: Product, tenant: Tenant) -> dict[str, list[str]]:
    """Return the versions of everything that a tenant has."""
    connection = await product.superuser()
    try:
        found = {}
        for table in (
            "contact.contacts",
            "session.sessions",
            "messaging.chats",
            "messaging.messages",
            "channel_gateway.channels",
        ):
            rows = await connection.fetch(
                f"select id::text || ':' || version as v from {table} where tenant_id = $1::uuid order by id",
                tenant.tenant_id,
            )
            found[table] = [row["v"] for row in rows]
        return found
    finally:
        await connection.close()
