"""What the product promises, tried on real processes: one message through the line, walls between tenants, and kill -9 of everything."""

import asyncio
import json
import re
import signal
import time
from typing import Any

import httpx
import pytest
from kernel.ids import new_id
from local_stack.answering import answers_ready
from local_stack.doctor.examination import examine
from local_stack.process_table import SERVICES, programs, url
from local_stack.processes import Process
from product import SCHEMAS, Product, Senders, Tenant, log_of
from testkit.eventually import eventually
from waha_simulator.payloads import Person

ANA = Person(phone="5511987654321", lid="217000000000001", name="Ana Souza")

TABLES_WITHOUT_A_WALL = {"migrations"}
"""Product data without tenant: the version table of each schema."""


async def post(tenant: Tenant, body: bytes, **headers: str) -> httpx.Response:
    return await tenant.client.post(tenant.webhook_url, content=body, headers={**tenant.sign(body), **headers})


async def messages_of(tenant: Tenant, count: int) -> list[dict[str, Any]]:
    async def enough() -> list[dict[str, Any]] | None:
        found = await tenant.all("/crm/messages")
        return found if len(found) >= count else None

    found = await eventually(enough, within_s=20, because=f"{count} messages")
    assert found is not None
    return found


async def test_a_message_passes_the_whole_line_once_and_people_read_it(product: Product) -> None:
    tenant = await product.tenant()
    body = tenant.text(ANA, "Olá! 👟", bare_id="3EB0AAAA0001")

    first = await post(tenant, body)
    again = await post(tenant, body)

    assert (first.status_code, first.json()["status"]) == (200, "queued")
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    (message,) = await messages_of(tenant, 1)
    assert (message["text"], message["direction"], message["external_id"]) == ("Olá! 👟", "inbound", "3EB0AAAA0001")
    (contact,) = await tenant.all("/crm/contacts")
    assert (contact["name"], contact["phone"], contact["id"]) == ("Ana Souza", "+5511987654321", message["contact_id"])
    (session,) = await tenant.all("/crm/sessions")
    assert (session["status"], session["message_count"], session["id"]) == ("active", 1, message["session_id"])
    (chat,) = await tenant.all("/crm/chats")
    assert (chat["unread_count"], chat["id"]) == (1, message["chat_id"])
    for query in (
        f"chat_id={chat['id']}",
        f"contact_id={contact['id']}",
        f"session_id={session['id']}",
        f"channel_id={tenant.channel_id}",
        "external_id=3EB0AAAA0001",
    ):
        assert [each["id"] for each in await tenant.all(f"/crm/messages?{query}")] == [message["id"]], query


async def test_a_session_closed_by_hand_is_followed_by_a_new_one(product: Product) -> None:
    tenant = await product.tenant()
    await post(tenant, tenant.text(ANA, "first"))
    await messages_of(tenant, 1)
    (session,) = await tenant.all("/crm/sessions")

    closed = await tenant.ask("POST", f"/crm/sessions/{session['id']}/close", json={"reason": "resolved"})
    again = await tenant.ask("POST", f"/crm/sessions/{session['id']}/close", json={"reason": "resolved"})
    await post(tenant, tenant.text(ANA, "second"))
    await messages_of(tenant, 2)

    assert (closed.status_code, closed.json()["status"], closed.json()["resolved"]) == (200, "ended", True)
    assert (again.status_code, again.json()["code"]) == (409, "invalid_state")
    assert sorted(each["status"] for each in await tenant.all("/crm/sessions")) == ["active", "ended"]


async def test_an_event_of_an_unknown_version_is_parked_with_its_reason_and_can_be_discarded(product: Product) -> None:
    from bus.connection import connected

    tenant = await product.tenant()
    await post(tenant, tenant.text(ANA, "hello"))
    await messages_of(tenant, 1)
    connection = await product.superuser()
    body = await connection.fetchval(
        "select convert_from(body, 'UTF8') from contact.outbox_events where tenant_id = $1::uuid"
        " and type = 'contact.sender_identified.v1'",
        tenant.tenant_id,
    )
    await connection.close()
    event = json.loads(body) | {"id": new_id(), "type": "contact.sender_identified.v99"}

    import aio_pika

    async with connected(product.instance.rabbitmq_url, "tests") as broker:
        channel = await broker.channel()
        exchange = await channel.get_exchange("ventros.events", ensure=False)
        await exchange.publish(
            aio_pika.Message(json.dumps([event]).encode()), "contact.sender_identified.v1.0", mandatory=True
        )

    async def parked() -> list[dict[str, Any]]:
        return (await tenant.ask("GET", "/parked-events/session")).json()["data"]

    (row,) = await eventually(parked, within_s=15)
    assert (row["reason"], row["event_id"], row["status"]) == ("unknown_version", event["id"], "parked")
    counts = {each["service"]: each["count"] for each in (await tenant.ask("GET", "/parked-events")).json()["data"]}
    assert counts["session"] == 1
    redriven = await tenant.ask("POST", f"/parked-events/session/{row['id']}/redrive", json={})
    assert redriven.status_code == 422
    done = await tenant.ask("POST", f"/parked-events/session/{row['id']}/discard", json={"reason": "from a test"})
    assert (done.status_code, done.json()["status"]) == (200, "discarded")
    twice = await tenant.ask("POST", f"/parked-events/session/{row['id']}/discard", json={"reason": "again"})
    assert twice.status_code == 409


async def test_every_table_of_every_schema_stands_behind_the_wall(product: Product) -> None:
    one, other = await product.tenant("One"), await product.tenant("Other")
    for tenant in (one, other):  # the same person, message id and session name on both sides
        await post(tenant, tenant.text(ANA, f"for {tenant.tenant_id}", bare_id="3EB0SAMEID"))
    for tenant in (one, other):
        assert [each["text"] for each in await messages_of(tenant, 1)] == [f"for {tenant.tenant_id}"]
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
    await post(one, one.text(ANA, "secret of one", bare_id="3EB0SECRET"))
    await messages_of(one, 1)
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


async def test_every_service_shows_its_health_and_metrics_and_logs_no_personal_data(product: Product) -> None:
    tenant = await product.tenant()
    await post(tenant, tenant.text(ANA, "a very private sentence"))
    await messages_of(tenant, 1)
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        for service in SERVICES:
            base = url(product.instance, f"{service.port}_metrics")
            for path in ("/health", "/ready", "/live", "/metrics"):
                assert (await client.get(base + path)).status_code == 200, f"{service.name}{path}"
            assert b"build_info" in (await client.get(base + "/metrics")).content
    assert (await product.client.get("/metrics")).status_code == 404
    for program in programs(product.instance):
        printed = log_of(product.instance, program.name)
        for personal in ("a very private sentence", "987654321", "Ana Souza", tenant.api_key, tenant.webhook_secret):
            assert personal not in printed, f"{program.name} logs {personal[:4]}…"
        if program.name in {service.name for service in SERVICES}:
            for line in printed.splitlines()[-50:]:
                assert {"timestamp", "level", "event", "service"} <= set(json.loads(line)), line


SEED = 20261121
PER_SECOND = 60
BACK_WITHIN_S = 15


@pytest.mark.timeout(300)
async def test_the_doctor_finds_nothing_wrong_until_something_stands_still(
    product: Product, capsys: pytest.CaptureFixture[str]
) -> None:
    well = await asyncio.to_thread(examine, product.instance)
    told = capsys.readouterr().out
    assert well == 0, told

    messaging = Process.recorded(product.instance.records / "messaging.json")
    assert messaging is not None
    messaging.signal(signal.SIGSTOP)
    try:
        ill = await asyncio.to_thread(examine, product.instance)
    finally:
        messaging.signal(signal.SIGCONT)
    told = capsys.readouterr().out
    assert ill == 1
    assert re.search(r"^FAIL  services +messaging does not answer", told, re.MULTILINE), told
    assert "logs SERVICE=messaging" in told


async def test_kill_9_of_every_process_in_turn_loses_doubles_and_reorders_nothing(product: Product) -> None:
    """Seeded; every delivery answered 2xx is stored once, in order within its chat; who was killed is back within 15 s."""
    tenants = [await product.tenant(f"Shop {number}") for number in range(3)]
    senders = Senders(tenants, chats_each=10, per_second=PER_SECOND, seed=SEED)
    stop = asyncio.Event()
    writing = asyncio.create_task(senders.write(stop))
    back: dict[str, float] = {}
    records = product.instance.records
    targets = [*(service.name for service in SERVICES), "waha-simulator", "rabbitmq", "postgres"]
    ready = {program.name: program.ready_url for program in programs(product.instance)}
    await asyncio.sleep(2)

    for name in targets:
        process = Process.recorded(records / f"{name}.json")
        assert process is not None, name
        process.signal(signal.SIGKILL)
        killed = time.monotonic()

        def is_back(name: str = name, process: Process = process) -> bool:
            now = Process.recorded(records / f"{name}.json")
            if now is None or now.pid == process.pid:
                return False
            if name in ready:
                return answers_ready(str(ready[name]))
            return (product.instance.rabbitmq() if name == "rabbitmq" else product.instance.postgres()).ready()

        await eventually(lambda: asyncio.to_thread(is_back), within_s=40, every_s=0.1, because=f"{name} back")
        back[name] = time.monotonic() - killed
        await asyncio.sleep(1.0)

    stop.set()
    await asyncio.wait_for(writing, 90)
    accepted = sum(len(chat.accepted) for chat in senders.chats)
    assert senders.retries + senders.refused > 0, "the fault did not bite"
    assert accepted > PER_SECOND * 10

    async def all_stored() -> bool:
        return await stored(product, tenants) >= accepted

    await eventually(all_stored, within_s=60, every_s=0.5, because=f"{accepted} messages stored")
    await product.drained()
    await check_ledger(product, senders)
    late = {name: round(seconds, 1) for name, seconds in back.items() if seconds > BACK_WITHIN_S}
    assert not late, f"not back within {BACK_WITHIN_S} s: {late}"
    print(f"seed {SEED}: {accepted} accepted, {senders.retries} retried, {senders.refused} refused, back after {back}")


async def stored(product: Product, tenants: list[Tenant]) -> int:
    connection = await product.superuser()
    try:
        return int(
            await connection.fetchval(
                "select count(*) from messaging.messages where tenant_id = any($1::uuid[])",
                [t.tenant_id for t in tenants],
            )
        )
    finally:
        await connection.close()


async def check_ledger(product: Product, senders: Senders) -> None:
    """Compare what was answered 2xx with what is stored: lost, doubled, reordered, crossed, and what came from nowhere."""
    connection = await product.superuser()
    try:
        for chat in senders.chats:
            rows = await connection.fetch(
                "select m.provider_message_id as id from messaging.messages m join messaging.chats c"
                " on c.tenant_id = m.tenant_id and c.id = m.chat_id"
                " where m.tenant_id = $1::uuid and c.external_chat_id = $2 order by m.sequence",
                chat.tenant.tenant_id,
                f"{chat.customer.phone}@c.us",
            )
            found = [row["id"] for row in rows]
            expected = list(chat.accepted)
            known = [each for each in found if each not in chat.unknown]
            assert len(set(found)) == len(found), "doubled"
            assert set(expected) <= set(found), f"lost {sorted(set(expected) - set(found))[:3]}"
            assert known == expected, "reordered, or came from nowhere"
        for schema in SCHEMAS:
            assert (
                await connection.fetchval(
                    f"select count(*) from {schema}.parked_events where reason <> 'unknown_version'"
                )
                == 0
            )
    finally:
        await connection.close()
