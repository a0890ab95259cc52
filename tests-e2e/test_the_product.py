"""What the product promises, tried on real processes: a message through the line, and what those see who run it."""

import asyncio
import json
import re
import signal
from typing import Any

import httpx
import pytest
from kernel.ids import new_id
from local_stack.doctor.examination import examine
from local_stack.process_table import SERVICES, url
from local_stack.processes import Process
from outbox.said import events_said
from product import Product
from testkit.eventually import eventually
from waha_simulator.payloads import Person

ANA = Person(phone="5511987654321", lid="217000000000001", name="Ana Souza")


async def test_a_message_passes_the_whole_line_once_and_people_read_it(product: Product) -> None:
    tenant = await product.tenant()
    body = tenant.text(ANA, "Olá! 👟", bare_id="3EB0AAAA0001")

    first = await tenant.post(body)
    again = await tenant.post(body)

    assert (first.status_code, first.json()["status"]) == (200, "queued")
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    (message,) = await tenant.messages(1)
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
    await tenant.post(tenant.text(ANA, "first"))
    await tenant.messages(1)
    (session,) = await tenant.all("/crm/sessions")

    closed = await tenant.ask("POST", f"/crm/sessions/{session['id']}/close", json={"reason": "resolved"})
    again = await tenant.ask("POST", f"/crm/sessions/{session['id']}/close", json={"reason": "resolved"})
    await tenant.post(tenant.text(ANA, "second"))
    await tenant.messages(2)

    assert (closed.status_code, closed.json()["status"], closed.json()["resolved"]) == (200, "ended", True)
    assert (again.status_code, again.json()["code"]) == (409, "invalid_state")
    assert sorted(each["status"] for each in await tenant.all("/crm/sessions")) == ["active", "ended"]


async def test_an_event_of_an_unknown_version_is_parked_with_its_reason_and_can_be_discarded(product: Product) -> None:
    from bus.connection import connected

    tenant = await product.tenant()
    await tenant.post(tenant.text(ANA, "hello"))
    await tenant.messages(1)
    connection = await product.superuser()
    said = [json.loads(each) for each in await events_said(connection, "contact", "contact.sender_identified.v1")]
    await connection.close()
    event = next(each for each in said if each["tenantid"] == tenant.tenant_id) | {
        "id": new_id(),
        "type": "contact.sender_identified.v99",
    }

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


async def test_every_service_shows_its_health_and_metrics(product: Product) -> None:
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        for service in SERVICES:
            base = url(product.instance, f"{service.port}_metrics")
            for path in ("/health", "/ready", "/live", "/metrics"):
                assert (await client.get(base + path)).status_code == 200, f"{service.name}{path}"
            assert b"build_info" in (await client.get(base + "/metrics")).content
    assert (await product.client.get("/metrics")).status_code == 404


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
