"""The walls between tenants: every table of every schema, every route."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from furnishing import body_for, furnished, queries_of, snapshot
from product import SCHEMAS, Product, Tenant

TABLES_WITHOUT_A_WALL = {"migrations"}
"""Product data without tenant: the version table of each schema."""
MAY_BE_EMPTY = {
    # what has been done or said, and what nobody asked for
    *("outbox_pending", "idempotency_keys", "channel_checks", "media_objects"),
    # what waits for something else for a moment
    *("pending_acks", "held_deliveries", "waiting_triggers"),
    # what only goes wrong, or rests
    *("parked_events", "sign_in_failures", "budget_notices", "chat_pauses", "resting_projects"),
    # what its people may do for themselves
    *("mails", "mail_tokens", "second_factors", "recovery_codes", "membership_changes"),
}
"""Tables that may hold nothing of a tenant that is well; all others are shown to hide something. `tests-walls/` fills each of them."""


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
