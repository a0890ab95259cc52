from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from waha_simulator.faults import Faults, UnknownFaultError

if TYPE_CHECKING:
    from conftest import OpenWorld, World

SEND = {"session": "shop", "chatId": "5521955550001@c.us", "text": "oi"}


def test_whether_a_fault_strikes_follows_from_the_seed_alone() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults()
        faults.set({"seed": seed, "webhooks": {"duplicate": {"probability": 0.3}}})
        return [faults.strikes("webhooks", "duplicate", n) is not None for n in range(200)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 30 < sum(struck(1)) < 90


def test_the_limit_holds_and_is_counted() -> None:
    faults = Faults()
    faults.set({"webhooks": {"duplicate": {"limit": 2}}})
    assert sum(faults.strikes("webhooks", "duplicate", n) is not None for n in range(9)) == 2
    assert faults.shown()["webhooks"]["duplicate"]["injected"] == 2


def test_an_unknown_fault_is_refused_by_name() -> None:
    with pytest.raises(UnknownFaultError, match=r"webhooks\.explode"):
        Faults().set({"webhooks": {"explode": {}}})


async def test_a_lost_answer_posts_the_same_message_again(world: World) -> None:
    await world.control("faults", webhooks={"lost_answer": {"limit": 1}})
    written = await world.writes()
    await world.drain()
    first, second = world.receiver.posts
    assert first.raw == second.raw
    assert first.headers["x-webhook-request-id"] == second.headers["x-webhook-request-id"]
    lines = await world.lines()
    assert [(line["message_id"], line["status"], line["error"]) for line in lines] == [
        (written["message_id"], 200, "answer lost"),
        (written["message_id"], 200, None),
    ]
    assert lines[0]["faults"] == ["lost_answer"]


async def test_a_duplicate_is_emitted_anew_with_the_same_message(world: World) -> None:
    await world.control("faults", webhooks={"duplicate": {"limit": 1}})
    written = await world.writes()
    await world.drain()
    first, second = world.receiver.bodies("message.any")
    assert first["id"] != second["id"]
    assert first["payload"]["id"] == second["payload"]["id"] == written["id"]
    assert [line["faults"] for line in await world.lines()] == [[], ["duplicate"]]


async def test_a_twin_has_the_same_bare_id_under_the_other_identity(world: World) -> None:
    await world.control("faults", webhooks={"twin": {"limit": 1}})
    written = await world.writes()
    await world.drain()
    assert {body["payload"]["id"] for body in world.receiver.bodies("message.any")} == {
        f"false_5521955550001@c.us_{written['message_id']}",
        f"false_880000000000001@lid_{written['message_id']}",
    }


async def test_reordered_messages_are_overtaken(world: World) -> None:
    await world.control("settings", ordered=True)
    await world.control("faults", webhooks={"reorder": {"limit": 1, "seconds": [20, 20]}})
    for number in range(3):
        await world.writes(f"text {number}")
    await world.drain()
    assert [line["chat_seq"] for line in await world.lines()] == [2, 3, 1]


@pytest.mark.parametrize("ordered", [False, True])
async def test_an_early_ack_comes_before_its_message(world: World, ordered: bool) -> None:
    await world.control("settings", ordered=ordered)
    await world.control("faults", webhooks={"early_ack": {"limit": 1, "seconds": [20, 20]}})
    await world.client.post("/api/sendText", json=SEND)
    await world.drain()
    assert [(line["event"], line["level"]) for line in await world.lines()] == [
        ("message.ack", 2),
        ("message.any", None),
    ]


async def test_a_lost_api_answer_has_its_effect_and_breaks_the_connection(world: World) -> None:
    await world.control("faults", api={"lost_answer": {"limit": 1}})
    with pytest.raises(httpx.RemoteProtocolError):
        await world.client.post("/api/sendText", json=SEND)
    await world.drain()
    call = (await world.lines("calls"))[-1]
    assert (call["answered"], call["faults"]) == (False, ["lost_answer"])
    assert world.receiver.bodies("message.any")[0]["payload"]["id"].endswith(call["effects"][0]["message_id"])


async def test_half_an_api_answer_has_its_effect_and_breaks_off_inside(world: World) -> None:
    await world.control("faults", api={"half_answer": {"limit": 1}})
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending complete"):
        await world.client.post("/api/sendText", json=SEND)
    call = (await world.lines("calls"))[-1]
    assert (call["answered"], call["faults"], len(call["effects"])) == (False, ["half_answer"], 1)
    assert (await world.client.post("/api/sendText", json=SEND)).status_code == 201


async def test_a_refused_call_has_no_effect(world: World) -> None:
    await world.control("faults", api={"refuse": {"limit": 1}})
    with pytest.raises(httpx.TransportError):
        await world.client.post("/api/sendText", json=SEND)
    assert (await world.lines("calls"))[-1]["effects"] == []
    assert (await world.client.post("/api/sendText", json=SEND)).status_code == 201


async def test_the_door_refuses_connections_for_a_while(world: World) -> None:
    await world.control("door/refuse", seconds=0.3)
    refused = 0
    for _ in range(200):
        async with httpx.AsyncClient(base_url=world.running.url, trust_env=False) as client:
            try:
                await client.get("/ping")
            except httpx.TransportError:
                refused += 1
            else:
                if refused:
                    break
    assert refused > 1
    async with httpx.AsyncClient(base_url=world.running.control_url, trust_env=False) as client:
        assert (await client.get("/ping")).json() == {"message": "pong"}


@pytest.mark.parametrize(
    ("fault", "status", "has_words"),
    [
        ("error_463", 500, lambda body: "463" in body["exception"]["details"]),
        ("error_475", 500, lambda body: "475" in body["exception"]["message"]),
        ("error_500", 500, lambda body: body["request"]["body"] == SEND),
        ("not_working", 422, lambda body: body["expected"] == ["WORKING"] and "message" not in body),
        ("empty_answer", 201, lambda body: body is None),
        ("rate_limited", 429, lambda body: "message" in body),
        ("bad_gateway", 502, lambda body: "message" in body),
        ("no_lid", 500, lambda body: "no LID found for 5521955550001@" in body["exception"]["details"]),
    ],
)
async def test_faults_answer_in_wahas_shapes(
    world: World, fault: str, status: int, has_words: Callable[[Any], bool]
) -> None:
    await world.control("faults", api={fault: {"limit": 1}})
    answer = await world.client.post("/api/sendText", json=SEND)
    assert answer.status_code == status
    assert has_words(answer.json() if answer.content else None)


async def test_463_spares_chats_in_which_the_customer_wrote(world: World) -> None:
    await world.writes()
    await world.control("faults", api={"error_463": {}})
    assert (await world.client.post("/api/sendText", json=SEND)).status_code == 201
    first_contact = SEND | {"chatId": "5521955550009@c.us"}
    assert (await world.client.post("/api/sendText", json=first_contact)).status_code == 500


async def test_a_500_after_its_effect_and_one_before(world: World) -> None:
    for chance, effects in ((1.0, 1), (0.0, 0)):
        await world.control("faults", api={"error_500": {"limit": 1, "after_effect": chance}})
        assert (await world.client.post("/api/sendText", json=SEND)).status_code == 500
        assert len((await world.lines("calls"))[-1]["effects"]) == effects


async def test_a_rate_limit_says_when_to_come_again(world: World) -> None:
    await world.control("faults", api={"rate_limited": {"limit": 1, "retry_after": 7}})
    assert (await world.client.post("/api/sendText", json=SEND)).headers["retry-after"] == "7"


async def test_a_stalled_call_breaks_late_and_has_no_effect(world: World) -> None:
    await world.control("faults", api={"stalled": {"limit": 1, "seconds": [10, 10]}})
    with pytest.raises(httpx.RemoteProtocolError):
        await world.client.post("/api/sendText", json=SEND)
    call = (await world.lines("calls"))[-1]
    assert (call["effects"], call["answered"]) == ([], False)
    assert call["seconds"] >= 0.1


async def test_an_own_message_is_told_again_as_typed_on_the_phone(world: World) -> None:
    await world.control("faults", webhooks={"echo_as_app": {"limit": 1}})
    await world.client.post("/api/sendText", json=SEND)
    await world.drain()
    assert [body["payload"]["source"] for body in world.receiver.bodies("message.any")] == ["api", "app"]
    assert len({body["payload"]["id"] for body in world.receiver.bodies("message.any")}) == 1


async def test_a_swallowed_message_is_in_the_history_only(world: World) -> None:
    await world.control("faults", webhooks={"swallowed": {"limit": 1}})
    sent = (await world.client.post("/api/sendText", json=SEND)).json()["id"]
    await world.drain()
    assert world.receiver.bodies("message.any") == []
    history = (await world.client.get("/api/shop/chats/5521955550001@c.us/messages")).json()
    assert [message["id"] for message in history] == [sent]


async def test_customers_may_read_by_themselves(world: World) -> None:
    await world.control("settings", delivered_after_seconds=0.1, reads_after_seconds=0.2)
    await world.client.post("/api/sendText", json=SEND)
    await world.drain()
    assert [body["payload"]["ack"] for body in world.receiver.bodies("message.ack")] == [2, 3]


async def test_echo_and_ack_come_before_a_slow_answer(world: World) -> None:
    await world.control("faults", api={"slow": {"limit": 1, "seconds": [60, 60]}})
    answer = await world.client.post("/api/sendText", json=SEND)
    assert answer.status_code == 201
    assert [body["event"] for body in (post.body for post in world.receiver.posts)] == ["message.any", "message.ack"]


async def test_the_same_seed_makes_the_same_history(open_world: OpenWorld) -> None:
    faults = {"seed": 9, "webhooks": {"duplicate": {"probability": 0.3}, "lost_answer": {"probability": 0.2}}}

    async def play() -> list[tuple[Any, ...]]:
        world = await open_world()
        await world.open_session()
        await world.control("faults", **faults)
        await world.control("load", session="shop", customers=4, messages=5, per_second=0, seed=3)
        while not (await world.client.get("/control/load/1")).json()["done"]:
            pass
        await world.drain()
        keys = ("message_id", "chat", "chat_seq", "attempt", "faults")
        return sorted(tuple(str(line[key]) for key in keys) for line in await world.lines())

    first, second = await play(), await play()
    assert first == second
    assert any("lost_answer" in line[-1] for line in first) and any("duplicate" in line[-1] for line in first)
