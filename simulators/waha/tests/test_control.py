from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from waha_simulator.load import Plan, planned

if TYPE_CHECKING:
    from conftest import OpenWorld, World

CUSTOMER = {"phone": "5521955550001", "lid": "880000000000001", "name": "Zélia"}
SEND = {"session": "shop", "chatId": "5521955550001@c.us", "text": "oi"}


async def test_control_has_its_own_key(world: World) -> None:
    answer = await world.client.get("/control/state", headers={"X-Control-Key": "api key"})
    assert answer.status_code == 401


async def test_unknown_fields_are_refused_before_anything_happens(world: World) -> None:
    body = {"session": "shop", "customer": {**CUSTOMER, "phnoe": "1"}, "text": "oi"}
    answer = await world.client.post("/control/customer/writes", json=body)
    assert (answer.status_code, answer.json()) == (400, {"error": "unknown: customer.phnoe"})
    assert world.receiver.posts == []


async def test_the_same_seed_twice_is_refused_as_the_same_message(world: World) -> None:
    first = await world.writes(seed=4)
    answer = await world.client.post(
        "/control/customer/writes", json={"session": "shop", "customer": CUSTOMER, "text": "x", "seed": 4}
    )
    assert answer.status_code == 409
    assert first["message_id"] in answer.json()["error"]


async def test_a_send_is_delivered_and_then_read(world: World) -> None:
    sent = (await world.client.post("/api/sendText", json=SEND)).json()["id"]
    await world.drain()
    read = await world.control("customer/reads", session="shop", customer=CUSTOMER)
    await world.drain()
    assert read["read"] == [sent.rsplit("_", 1)[-1]]
    acks = [(body["payload"]["id"], body["payload"]["ackName"]) for body in world.receiver.bodies("message.ack")]
    assert acks == [(sent, "DEVICE"), (sent, "READ")]
    assert (await world.control("customer/reads", session="shop", customer=CUSTOMER))["read"] == []


async def test_a_silent_customer_gets_one_tick_until_the_phone_is_on_again(open_world: OpenWorld) -> None:
    world = await open_world()
    await world.open_session(engine="NOWEB")
    await world.control("customer/silent", customer=CUSTOMER, silent=True)
    await world.client.post("/api/sendText", json=SEND)
    await world.drain()
    assert [body["payload"]["ackName"] for body in world.receiver.bodies("message.ack")] == ["SERVER"]
    back = await world.control("customer/silent", customer=CUSTOMER, silent=False)
    await world.drain()
    assert len(back["delivered"]) == 1
    assert [body["payload"]["ackName"] for body in world.receiver.bodies("message.ack")] == ["SERVER", "DEVICE"]


async def test_the_owner_writes_and_reads_on_the_phone(world: World) -> None:
    await world.writes()
    await world.control("owner/writes", session="shop", customer=CUSTOMER, text="respondo já")
    read = await world.control("owner/reads", session="shop", customer=CUSTOMER)
    await world.drain()
    own = [b["payload"] for b in world.receiver.bodies("message.any") if b["payload"]["fromMe"]]
    assert [(payload["source"], payload["body"]) for payload in own] == [("app", "respondo já")]
    mine = [b["payload"] for b in world.receiver.bodies("message.ack") if not b["payload"]["fromMe"]]
    assert [(payload["ackName"], payload["id"].split("_")[0]) for payload in mine] == [("READ", "false")]
    assert len(read["read"]) == 1


async def test_group_messages_and_their_receipts(world: World) -> None:
    group = "120363111111111111@g.us"
    inbound = await world.writes(group=group)
    own = await world.control("owner/writes", session="shop", group=group, text="a todos")
    await world.control("acks", session="shop", message_id=own["message_id"], level="READ", reader=CUSTOMER)
    await world.drain()
    assert inbound["id"] == f"false_{group}_{inbound['message_id']}_880000000000001@lid"
    (ack,) = world.receiver.bodies("message.ack.group")
    assert ack["payload"]["participant"] == "880000000000001@lid"


async def test_a_reply_quotes_the_message(world: World) -> None:
    own = await world.control("owner/writes", session="shop", customer=CUSTOMER, text="Qual cor?")
    await world.writes("Azul", reply_to=own["message_id"])
    await world.drain()
    reply = world.receiver.bodies("message.any")[-1]["payload"]["replyTo"]
    assert (reply["id"], reply["body"], reply["participant"]) == (own["message_id"], "Qual cor?", "5511940001000@c.us")


async def test_nobody_writes_through_a_session_that_does_not_work(world: World) -> None:
    await world.control("sessions/shop/status", status="FAILED")
    answer = await world.client.post(
        "/control/customer/writes", json={"session": "shop", "customer": CUSTOMER, "text": "x"}
    )
    assert answer.status_code == 409


async def test_status_changes_carry_their_data(open_world: OpenWorld) -> None:
    world = await open_world()
    await world.open_session(events=["session.status"])
    await world.control("sessions/shop/status", status="WORKING", data={"reachoutTimelock": {"isActive": True}})
    await world.drain()
    assert {"reachoutTimelock": {"isActive": True}} in [
        b["payload"]["data"] for b in world.receiver.bodies("session.status")
    ]


async def test_a_load_writes_everything_once(world: World) -> None:
    started = await world.control("load", session="shop", customers=5, messages=6, per_second=500, seed=2)
    assert started["total"] == 30
    await asyncio.sleep(0.1)
    await world.drain()
    texts = [body["payload"]["body"].rsplit("#", 1)[1] for body in world.receiver.bodies("message.any")]
    assert sorted(texts) == sorted(f"2-{customer}-{n}" for customer in range(5) for n in range(1, 7))


async def test_a_load_follows_from_its_seed(world: World) -> None:
    session = world.simulator.sessions.all()

    def plan(seed: int) -> Plan:
        return Plan(session, customers=4, messages=5, per_second=1, seed=seed)

    assert planned(plan(1)) == planned(plan(1))
    assert planned(plan(1)) != planned(plan(2))
