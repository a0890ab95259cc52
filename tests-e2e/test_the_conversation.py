"""Both ways: what people and programs send, what rules answer, and what of it is counted."""

from typing import Any

from product import Product, Tenant
from testkit.eventually import eventually
from waha_simulator.payloads import Person

ANA = Person(phone="5511987650001", lid="217000000010001", name="Ana Souza")
BRUNO = Person(phone="5521987650002", lid="217000000010002", name="Bruno Lima")
NORMAL_COURSE = ["queued", "sent", "delivered", "read"]


async def met(shop: Tenant, customer: Person, text: str = "Olá") -> dict[str, Any]:
    """Let a customer write for the first time; return the message as the product shows it."""
    message_id = await shop.whatsapp.writes(customer, text)

    async def stored() -> list[dict[str, Any]]:
        return await shop.all(f"/crm/messages?external_id={message_id}")

    (message,) = await eventually(stored, within_s=20, because=f"{text} is stored")
    return message


async def status_of(shop: Tenant, message_id: str) -> str:
    return str((await shop.ask("GET", f"/crm/messages/{message_id}")).json()["status"])


async def becomes(shop: Tenant, message_id: str, status: str) -> None:
    async def so_far() -> bool:
        return await status_of(shop, message_id) == status

    await eventually(so_far, within_s=20, because=f"{message_id} is {status}")


async def outbound_of(shop: Tenant, chat_id: str) -> list[dict[str, Any]]:
    return [each for each in await shop.all(f"/crm/messages?chat_id={chat_id}") if each["direction"] == "outbound"]


async def executions_of(shop: Tenant, rule: dict[str, Any], count: int) -> list[dict[str, Any]]:
    async def enough() -> list[dict[str, Any]] | None:
        found = await shop.all(f"/automation/rules/{rule['id']}/executions")
        return found if len(found) >= count else None

    found = await eventually(enough, within_s=20, because=f"{count} executions")
    assert found is not None
    return found


async def test_a_message_is_queued_sent_delivered_and_read_and_its_key_sends_it_once(product: Product) -> None:
    shop = await product.shop()
    chat_id = (await met(shop, ANA))["chat_id"]

    first = await shop.send(chat_id, "Sim, temos! 👟", key="order-1")
    again = await shop.send(chat_id, "Sim, temos! 👟", key="order-1")
    other = await shop.send(chat_id, "Something else", key="order-1")

    assert (first.status_code, first.json()["status"]) == (202, "queued")
    assert (again.status_code, again.json()) == (202, first.json())
    assert other.status_code == 422, other.text
    message_id = first.json()["message_id"]
    await becomes(shop, message_id, "delivered")
    await shop.whatsapp.reads(ANA)
    await becomes(shop, message_id, "read")
    steps = (await shop.ask("GET", f"/crm/messages/{message_id}/history")).json()["data"]
    assert [each["status"] for each in steps] == NORMAL_COURSE
    (sent,) = await shop.whatsapp.sent("Sim, temos! 👟")
    message = (await shop.ask("GET", f"/crm/messages/{message_id}")).json()
    assert (message["external_id"], message["from_me"], message["source"]) == (sent["message_id"], True, "manual")
    assert [each["id"] for each in await outbound_of(shop, chat_id)] == [message_id], "the echo is no second message"

    late = await shop.send(chat_id, "Sim, temos! 👟", key="order-1")
    assert late.json()["message_id"] == message_id, "a key is good for a day"
    assert len(await shop.whatsapp.sent("Sim, temos! 👟", "Something else")) == 1


async def test_a_rule_answers_tags_and_moves_and_says_what_it_did(product: Product) -> None:
    shop = await product.shop()
    await met(shop, BRUNO)

    async def pipelines() -> list[dict[str, Any]]:
        return await shop.all("/crm/pipelines?include=statuses")

    (pipeline,) = await eventually(pipelines, within_s=15, because="the default pipeline")
    first, second = (each["id"] for each in sorted(pipeline["statuses"], key=lambda each: each["position"])[:2])
    rule = await shop.rule(
        "message.received",
        ("send_message", {"content": "Oi {{ contact.first_name }}, o preço é R$ 99."}),
        ("add_tag", {"tag": "preço"}),
        ("change_pipeline_status", {"status_id": second}),
        expression='message.text.contains("preço")',
    )
    asked = await met(shop, ANA, "Qual o preço do azul?")
    contact_id = asked["contact_id"]

    (execution,) = await executions_of(shop, rule, 1)
    assert (execution["matched"], execution["reason"], execution["contact_id"]) == (True, None, contact_id)
    assert [each["action"] for each in execution["actions"]] == ["send_message", "add_tag", "change_pipeline_status"]
    assert [each["outcome"] for each in execution["actions"]] == ["done"] * 3
    assert execution["state"] == "succeeded"
    answer_id = execution["actions"][0]["message_id"]
    await becomes(shop, answer_id, "delivered")
    answer = (await shop.ask("GET", f"/crm/messages/{answer_id}")).json()
    assert (answer["text"], answer["chat_id"]) == ("Oi Ana, o preço é R$ 99.", asked["chat_id"])
    assert answer["source"] == "trigger"
    assert len(await shop.whatsapp.sent("Oi Ana, o preço é R$ 99.")) == 1

    async def tagged() -> bool:
        return "preço" in (await shop.ask("GET", f"/crm/contacts/{contact_id}")).json()["tags"]

    await eventually(tagged, within_s=15, because="the tag")
    history = (await shop.ask("GET", f"/crm/contacts/{contact_id}/pipeline-history")).json()["data"]
    assert {(each["from_status_id"], each["to_status_id"]) for each in history} == {(None, first), (first, second)}
    moved = next(each for each in history if each["to_status_id"] == second)
    assert moved["changed_by"] == f"rule:{rule['id']}"
    wanted = {"messages_received": 2, "messages_sent": 1, "active_contacts": 2, "automations_run": 1}

    async def counted() -> bool:
        return await shop.usage() == wanted

    try:
        await eventually(counted, within_s=15, because="usage")
    except AssertionError:
        assert await shop.usage() == wanted


async def test_rules_that_would_chase_each_other_for_ever_end(product: Product) -> None:
    """Two rules move a contact to and fro; a third answers whatever comes, and the customer's own machine answers that."""
    shop = await product.shop()
    contact_id = (await met(shop, ANA))["contact_id"]

    async def pipelines() -> list[dict[str, Any]]:
        return await shop.all("/crm/pipelines?include=statuses")

    (pipeline,) = await eventually(pipelines, within_s=15)
    here, there = (each["id"] for each in sorted(pipeline["statuses"], key=lambda each: each["position"])[:2])
    forth, back = [
        await shop.rule(
            "status.changed", ("change_pipeline_status", {"status_id": to}), trigger_filter={"new_status_id": at}
        )
        for at, to in ((here, there), (there, here))
    ]
    echo = await shop.rule("message.received", ("send_message", {"content": "Got: {{ trigger.text }}"}))

    body = {"pipeline_id": pipeline["id"], "status_id": there}
    moved = await shop.ask("PATCH", f"/crm/contacts/{contact_id}/pipeline-status", json=body)
    assert moved.status_code == 200, moved.text

    async def ended() -> bool:
        looks = [*await executions_of(shop, back, 2), *await executions_of(shop, forth, 1)]
        return any(each["reason"] in ("same_chain", "hop") for each in looks)

    await eventually(ended, within_s=20, because="the chain ends")
    await product.drained()
    runs = [*await executions_of(shop, back, 1), *await executions_of(shop, forth, 1)]
    assert sum(each["state"] == "succeeded" for each in runs) == 2, "each ran once in this chain"

    for number in range(13):  # each answer of ours is answered: by message 11 the contact's budget is spent
        await met(shop, ANA, f"auto reply {number}")
    looks = await executions_of(shop, echo, 13)
    assert sum(each["state"] == "succeeded" for each in looks) == 10
    assert {each["reason"] for each in looks if each["state"] == "skipped"} == {"budget"}


async def test_a_message_waits_while_its_channel_does_not_work_and_can_be_withdrawn(product: Product) -> None:
    shop = await product.shop()
    chat_id = (await met(shop, ANA))["chat_id"]
    await shop.whatsapp.shows("SCAN_QR_CODE")

    async def away() -> bool:
        return bool((await shop.ask("GET", f"/crm/channels/{shop.channel_id}")).json()["status"] == "connecting")

    await eventually(away, within_s=15, because="the channel asks for a scan")

    withdrawn, kept = [(await shop.send(chat_id, text)).json() for text in ("never mind", "still there?")]
    assert [each["status"] for each in (withdrawn, kept)] == ["queued", "queued"]
    assert kept["waiting"]["code"] == "channel_disconnected"
    cancelled = await shop.ask("POST", f"/crm/messages/{withdrawn['message_id']}/cancel")
    assert cancelled.status_code == 202, cancelled.text
    await becomes(shop, withdrawn["message_id"], "cancelled")
    assert await status_of(shop, kept["message_id"]) == "queued"
    await shop.whatsapp.shows("WORKING")
    await becomes(shop, kept["message_id"], "delivered")
    assert await shop.whatsapp.sent("never mind") == []
