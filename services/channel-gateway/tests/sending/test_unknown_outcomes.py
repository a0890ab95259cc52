"""Nobody knows whether a message left: evidence is looked for, and nothing is ever sent blindly a second time."""

import asyncio
from typing import Any

import pytest
from channel_gateway.adapters.waha.messenger import WahaMessenger
from channel_gateway.domain.sending import Change
from testkit.eventually import eventually


async def outcomes(world: Any, wish: Any) -> list[str]:
    return [outcome for outcome, _ in await world.said_of(wish)]


@pytest.mark.parametrize("engine", ["GOWS", "WEBJS"])
@pytest.mark.parametrize("fault", ["lost_answer", "bad_gateway", "error_500", "empty_answer"])
async def test_what_left_without_an_answer_is_proven_by_our_own_message(world: Any, engine: str, fault: str) -> None:
    line = await world.line(engine)
    options = {"after_effect": 1.0} if fault in ("bad_gateway", "error_500") else {}
    await world.control("faults", api={fault: {"limit": 1, **options}})
    wish = await world.send(line, "did it leave?")
    assert await world.ends(wish) == ["accepted"]
    said = await world.said_of(wish)
    (sent,) = await world.whatsapp()
    assert said[-1][1]["provider_message_id"] == sent["message_id"]
    assert [outcome for outcome, _ in said] in (["sent"], ["unresolved", "sent"])
    assert len(await world.calls()) == 1
    assert await world.gateway.said("channel.message_received.v1") == [], "an echo is nobody's message"


@pytest.mark.parametrize("engine", ["GOWS", "WEBJS"])
async def test_without_a_word_from_the_provider_the_history_proves_it(world: Any, engine: str) -> None:
    line = await world.line(engine)
    await world.control("settings", delivers=False)
    await world.control("faults", api={"lost_answer": {"limit": 1}}, webhooks={"swallowed": {}})
    before = await world.send(line, "did it leave?")
    assert await world.ends(before) == ["accepted"]
    said = await world.said_of(before)
    assert [outcome for outcome, _ in said] == ["unresolved", "sent"]
    if engine == "GOWS":  # WEBJS acknowledges in a receipt of its own, which names an id that nobody knows
        assert said[0][1]["reserved_provider_id"] == said[1][1]["provider_message_id"]
    assert said[1][1]["evidence"] == "history"
    assert await world.went_out(before) == 1


async def test_what_is_found_nowhere_is_repeated_under_its_own_id(world: Any) -> None:
    line = await world.line("GOWS")
    await world.control("faults", api={"stalled": {"limit": 1, "seconds": [0, 0]}})
    wish = await world.send(line, "again?")
    after = await world.send(line, "and then")
    assert await world.ends(wish, after) == ["accepted", "accepted"]
    first, second, then = await world.calls()
    assert first["reserved_id"] == second["reserved_id"] != then["reserved_id"]
    assert (first["effects"], len(second["effects"])) == ([], 1)
    assert await outcomes(world, wish) == ["unresolved", "sent"]
    assert (await world.attempt(wish))["attempts"] == 2
    assert await outcomes(world, after) == ["sent"], "it waited for the one before it"


async def test_the_repeat_of_one_that_did_leave_makes_no_second_message(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await world.line("GOWS")
    monkeypatch.setattr(WahaMessenger, "message", nothing)
    await world.control("settings", delivers=False)
    await world.control("faults", api={"lost_answer": {"limit": 1}}, webhooks={"swallowed": {}})
    wish = await world.send(line, "twice?")
    assert await world.ends(wish) == ["accepted"]
    first, second = await world.calls()
    assert first["effects"][0]["message_id"] == second["effects"][0]["message_id"] == second["reserved_id"]
    assert [first["effects"][0]["new"], second["effects"][0]["new"]] == [True, False]
    assert await world.went_out(wish) == 1


async def nothing(*_: Any) -> None:
    """A history that has lost what was sent a moment ago, or an engine that has no ids to give any more."""


async def test_a_receipt_proves_it_where_the_message_itself_is_never_told(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await world.line("GOWS")
    monkeypatch.setattr(WahaMessenger, "message", nothing)
    await world.control("faults", api={"lost_answer": {"limit": 1}}, webhooks={"swallowed": {}})
    wish = await world.send(line, "ticked off")
    assert await world.ends(wish) == ["accepted"]
    stored = await world.attempt(wish)
    assert (stored["evidence"], stored["attempts"]) == ("ack", 1)


async def test_an_engine_that_takes_no_ids_any_more_is_given_nothing_twice(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await world.line("GOWS")
    await world.ends(await world.send(line, "before"))
    monkeypatch.setattr(WahaMessenger, "reserve", nothing)
    await world.control("faults", api={"stalled": {"limit": 1, "seconds": [0, 0]}})
    wish = await world.send(line, "under an id that counts no more")
    after = await world.send(line, "and then")
    assert await world.ends(after) == ["accepted"]
    stored = await world.attempt(wish)
    assert (stored["state"], stored["attempts"], stored["repeat_at"]) == ("unknown", 1, None)
    assert await world.went_out(wish) == 0


async def test_the_late_end_of_an_earlier_call_says_nothing_of_its_repeat(world: Any) -> None:
    line = await world.line("GOWS")
    await world.control("settings", delivers=False)
    await world.control(
        "faults",
        api={"stalled": {"limit": 1, "seconds": [0, 0]}, "slow": {"limit": 1, "seconds": [80, 80]}},
        webhooks={"swallowed": {}},
    )
    wish = await world.send(line, "twice begun")
    await eventually(lambda: repeating(world, wish), within_s=30)
    late = Change(line.channel.tenant.tenant_id, wish.id, "pending", call=1, reason="the first call")
    async with world.gateway.assembly.begin([line.channel.tenant.tenant_id]) as work:
        assert await work.sending.outcomes.settle([late]) == []
    assert await world.ends(wish) == ["accepted"]
    assert (await world.attempt(wish))["attempts"] == 2
    assert await world.went_out(wish) == 1


async def test_without_an_id_of_ours_nothing_is_repeated_and_it_stays_unknown(world: Any) -> None:
    line = await world.line("WEBJS")
    await world.control("faults", api={"stalled": {"limit": 1, "seconds": [0, 0]}})
    wish = await world.send(line, "never sent")
    after = await world.send(line, "the next")
    assert await world.ends(after) == ["accepted"]
    await eventually(lambda: gave_up_looking(world, wish), within_s=30)
    stored = await world.attempt(wish)
    assert (stored["state"], stored["looks"], stored["attempts"]) == ("unknown", 5, 1)
    assert await outcomes(world, wish) == ["unresolved"]
    assert await world.went_out(wish) == 0
    waited = (await world.attempt(after))["sending_at"] - stored["unknown_since"]
    assert waited.total_seconds() >= 1.4, "its chat waited for evidence"


async def test_evidence_that_comes_late_still_counts(make_world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await make_world(looks_s=(0.1, 0.2), repeat_after=1)
    line = await world.line("WEBJS")

    async def nothing(*_: Any) -> list[Any]:
        """A history without anything in it."""
        return []

    monkeypatch.setattr(WahaMessenger, "own_messages", nothing)
    await world.control("settings", delivers=False)
    # the message is told some seconds late, when nobody looks for it any more
    await world.control(
        "faults", api={"lost_answer": {"limit": 1}}, webhooks={"early_ack": {"limit": 1, "seconds": [150, 150]}}
    )
    wish = await world.send(line, "late news")
    await eventually(lambda: gave_up_looking(world, wish), within_s=30)
    assert await outcomes(world, wish) == ["unresolved"]
    assert await world.ends(wish) == ["accepted"]
    assert [data.get("evidence") for _, data in await world.said_of(wish)] == [None, "own_message"]
    assert await world.gateway.said("channel.message_received.v1") == []


async def test_what_is_typed_on_the_phone_meanwhile_waits_and_is_told_as_that(world: Any, chat_of: Any) -> None:
    line = await world.line("WEBJS")
    await world.control("faults", api={"slow": {"limit": 1, "seconds": [40, 40]}})
    customer = {"phone": chat_of(1).partition("@")[0]}
    wish = await world.send(line, "from the desk")
    await eventually(lambda: is_(world, wish, "sending"), within_s=30)
    typed = await world.control("owner/writes", session=line.session, customer=customer, text="from the phone")
    other = {"phone": chat_of(2).partition("@")[0]}
    elsewhere = await world.control("owner/writes", session=line.session, customer=other, text="to somebody else")
    await eventually(lambda: told(world, elsewhere), within_s=30)
    assert not await told(world, typed), "an echo cannot be told apart yet"
    assert await world.ends(wish) == ["accepted"]
    await eventually(lambda: told(world, typed), within_s=30)
    events = {event["data"]["provider_message_id"]: event["data"] for event in await world.gateway.said()}
    assert set(events) == {typed["message_id"], elsewhere["message_id"]}
    assert (events[typed["message_id"]]["source"], events[typed["message_id"]]["from_me"]) == ("phone", True)
    states = await world.gateway.rows(
        "select state, reason, dedupe_key from channel_gateway.inbound_deliveries where dedupe_key like 'message:%'"
    )
    sent = (await world.attempt(wish))["provider_id"]
    assert {row["dedupe_key"]: (row["state"], row["reason"]) for row in states} == {
        f"message:{typed['message_id']}": ("applied", None),
        f"message:{elsewhere['message_id']}": ("applied", None),
        f"message:{sent}": ("applied", "echo"),
    }
    assert await world.gateway.rows("select * from channel_gateway.held_deliveries") == []


async def test_an_echo_that_comes_again_as_if_typed_is_still_ours(world: Any) -> None:
    for engine in ("GOWS", "WEBJS"):
        line = await world.line(engine)
        await world.control("faults", webhooks={"echo_as_app": {"limit": 1, "seconds": [30, 30]}})
        await world.ends(await world.send(line, f"echo of {engine}"))
        await world.drain()
    await asyncio.sleep(0.6)  # held ones would be let go by now
    assert await world.gateway.said("channel.message_received.v1") == []


@pytest.mark.parametrize("engine", ["GOWS", "WEBJS"])
async def test_acks_before_the_answer_are_told_and_change_nothing(world: Any, engine: str) -> None:
    line = await world.line(engine)
    await world.control(
        "faults", api={"slow": {"limit": 1, "seconds": [20, 20]}}, webhooks={"early_ack": {"seconds": [5, 10]}}
    )
    wish = await world.send(line, "overtaken")
    assert await world.ends(wish) == ["accepted"]
    await world.drain()
    assert await outcomes(world, wish) == ["sent"]
    acks = [event["data"] for event in await world.gateway.said("channel.message_acked.v1")]
    assert {ack["provider_message_id"] for ack in acks} == {(await world.attempt(wish))["provider_id"]}


async def is_(world: Any, wish: Any, state: str) -> bool:
    return bool((await world.attempt(wish))["state"] == state)


async def repeating(world: Any, wish: Any) -> bool:
    stored = await world.attempt(wish)
    return bool((stored["state"], stored["attempts"]) == ("sending", 2))


async def told(world: Any, written: Any) -> bool:
    said = await world.gateway.said("channel.message_received.v1")
    return written["message_id"] in {event["data"]["provider_message_id"] for event in said}


async def gave_up_looking(world: Any, wish: Any) -> bool:
    stored = await world.attempt(wish)
    return bool(stored["state"] == "unknown" and stored["look_at"] is None)
