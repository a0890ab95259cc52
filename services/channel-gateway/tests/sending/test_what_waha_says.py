"""Every answer of WAHA to a send, and what becomes of the message and of its channel."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from telemetry.logs import configure_logging, start_quietly
from testkit.eventually import eventually


async def status_of(world: Any, line: Any) -> str:
    (row,) = await world.gateway.rows("select status from channel_gateway.channels where id = $1", line.channel.id)
    return str(row["status"])


@pytest.mark.parametrize(
    ("fault", "code", "permanent"),
    [
        ("no_lid", "not_on_whatsapp", True),
        ("error_463", "reach_out_restricted", False),
        ("error_475", "message_cap_reached", False),
    ],
)
async def test_what_whatsapp_refuses_for_good_fails_with_its_reason_and_is_not_repeated(
    world: Any, fault: str, code: str, permanent: bool
) -> None:
    line = await world.line("GOWS")
    await world.control("faults", api={fault: {}})
    wish = await world.send(line, "Hello, new customer")
    assert await world.ends(wish) == ["rejected"]
    ((outcome, said),) = await world.said_of(wish)
    assert (outcome, said["code"], said["permanent"], said["attempts"]) == ("failed", code, permanent, 1)
    assert "Hello" not in said["reason"]
    assert len(await world.calls()) == 1


async def test_a_limit_on_new_chats_holds_first_contacts_back_and_lets_answers_go(world: Any, chat_of: Any) -> None:
    line = await world.line("GOWS")
    await world.control("faults", api={"error_463": {"limit": 1}})
    await world.ends(await world.send(line, "met the limit", first_contact=True))
    first = await world.send(line, "another first contact", chat=chat_of(2), first_contact=True)
    bulk = await world.send(line, "a broadcast", chat=chat_of(3), priority="low")
    answer = await world.send(line, "an answer", chat=chat_of(4))
    assert await world.ends(answer) == ["accepted"]
    assert [(await world.attempt(wish))["state"] for wish in (first, bulk)] == ["pending", "pending"]
    (said,) = await world.gateway.said("channel.restricted.v1")
    assert (said["data"]["channel_id"], said["data"]["kind"]) == (line.channel.id, "reach_out_timelock")
    lifted = {"reachoutTimelock": {"isActive": False}}
    await world.control(f"sessions/{line.session}/status", status="WORKING", data=lifted)
    assert await world.ends(first, bulk) == ["accepted", "accepted"]


async def test_a_session_that_does_not_work_takes_its_channel_down_until_it_works_again(world: Any) -> None:
    line = await world.line("GOWS")
    await world.control("faults", api={"not_working": {"limit": 1}})
    wish = await world.send(line, "patience")
    assert await world.ends(wish) == ["accepted"]
    # nothing told so but the refusal, and nothing that it is over: we asked
    changes = [event["data"] for event in await world.gateway.said("channel.status_changed.v1")]
    assert [(change["old"], change["new"]) for change in changes][-2:] == [
        ("active", "connecting"),
        ("connecting", "active"),
    ]
    stored = await world.attempt(wish)
    assert (stored["attempts"], stored["failures"]) == (2, 0), "waiting for a session counts for nothing"


async def test_a_session_that_is_gone_fails_the_message_and_disconnects_the_channel(world: Any) -> None:
    line = await world.line("WEBJS")
    simulated = world.simulator.simulator.sessions
    simulated._sessions.pop(line.session)  # without a word, as when its WAHA lost its disk
    wish = await world.send(line, "anybody there?")
    other = await world.send(line, "later")
    await eventually(lambda: is_status(world, line, "disconnected"), within_s=30)
    assert (await world.attempt(other))["state"] == "pending"
    ends = await world.ends(wish, as_=("pending", "rejected"))
    if ends == ["rejected"]:
        ((_, said),) = await world.said_of(wish)
        assert said["code"] == "channel_disconnected"


async def test_a_wrong_key_stops_the_channel_and_its_messages_wait_for_the_repair(world: Any) -> None:
    line = await world.line("WEBJS")
    path = f"/crm/channels/{line.channel.id}"
    await world.gateway.ask(line.channel.tenant, "PATCH", path, json={"waha_config": {"api_key": "wrong"}})
    wish = await world.send(line, "locked out")
    await eventually(lambda: is_status(world, line, "error"), within_s=30)
    shown = (await world.gateway.ask(line.channel.tenant, "GET", path)).json()
    assert shown["last_error"] == "the provider refuses the key"
    assert (await world.attempt(wish))["state"] == "pending"
    assert await world.said_of(wish) == []
    await world.gateway.ask(line.channel.tenant, "PATCH", path, json={"waha_config": {"api_key": "the-provider-key"}})
    await world.gateway.ask(line.channel.tenant, "POST", f"{path}/activate")
    assert await world.ends(wish) == ["accepted"]


async def test_a_server_that_asks_for_a_pause_gets_it(world: Any, chat_of: Any) -> None:
    line = await world.line("GOWS")
    await world.control("faults", api={"rate_limited": {"limit": 1, "retry_after": 2}})
    wish = await world.send(line, "not so fast")
    await eventually(lambda: has_failed(world, wish), within_s=30, every_s=0.01)
    other = await world.send(line, "nor to anybody else", chat=chat_of(2))
    assert await world.ends(wish, other) == ["accepted", "accepted"]
    stored = await world.attempt(wish)
    paused = (await world.attempt(other))["sending_at"] - stored["created_at"]
    assert paused.total_seconds() >= 2, "the whole channel pauses"
    assert (stored["attempts"], stored["failures"]) == (2, 1)
    assert (stored["sending_at"] - stored["created_at"]).total_seconds() >= 1


async def test_one_that_asks_for_pauses_for_ever_is_given_up(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channel_gateway.domain.sending.FIRST_RETRY_S", 0.02)
    line = await world.line("GOWS")
    await world.control("faults", api={"rate_limited": {"retry_after": 0}})
    wish = await world.send(line, "never")
    assert await world.ends(wish) == ["rejected"]
    ((outcome, said),) = await world.said_of(wish)
    assert (outcome, said["code"], said["permanent"], said["attempts"]) == ("failed", "provider_error", False, 5)


async def test_a_server_that_is_away_delays_messages_and_loses_none(world: Any, chat_of: Any) -> None:
    line = await world.line("GOWS")
    await world.ends(await world.send(line, "before"))
    await world.goes_away(seconds=1.5)
    wishes = [world.wish(line, f"during {number}", chat=chat_of(number)) for number in range(3)]
    await world.ask(*wishes)
    assert set(await world.ends(*wishes)) == {"accepted"}
    assert [await world.went_out(wish) for wish in wishes] == [1, 1, 1]
    assert await world.gateway.said("channel.message_unresolved.v1") == [], "a connection that is refused tells enough"


@pytest.mark.parametrize("engine", ["GOWS", "WEBJS"])
async def test_a_server_that_dies_in_the_middle_of_a_send_is_asked_soon_after_it_is_back(
    world: Any, engine: str
) -> None:
    line = await world.line(engine)
    await world.control("settings", delivers=False)
    await world.control("faults", api={"slow": {"limit": 1, "seconds": [90, 90]}}, webhooks={"swallowed": {}})
    wish = await world.send(line, "the last one")
    await eventually(lambda: is_(world, wish, "sending"), within_s=30)
    await world.goes_away(seconds=2)
    assert await world.ends(wish, as_=("unknown",)) == ["unknown"]
    assert await world.ends(wish, within_s=15) == ["accepted"]
    stored = await world.attempt(wish)
    assert (stored["evidence"], stored["attempts"]) == ("history", 1)
    assert await world.went_out(wish) == 1


@pytest.mark.parametrize("engine", ["GOWS", "WEBJS"])
async def test_a_server_that_stays_away_takes_its_channel_down_and_its_messages_wait(
    make_world: Any, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setattr("channel_gateway.domain.sending.FIRST_RETRY_S", 0.1)
    # The waits between five tries are longer than an idle channel is kept.
    monkeypatch.setattr("channel_gateway.application.send_messages.IDLE_S", 0.2)
    world = await make_world(works=False)
    stop = await world.run(world.gateway)
    line = await world.line(engine)
    await stop()
    await world.goes_away(seconds=6)
    await world.run(await world.another())  # has no ids of messages to come
    wish = await world.send(line, "wait for me")
    await eventually(lambda: is_status(world, line, "disconnected"), within_s=30)
    assert (await world.attempt(wish))["state"] == "pending", "nobody gives up because the server is away"
    (row,) = await world.gateway.rows(
        "select status_reason from channel_gateway.channels where id = $1", line.channel.id
    )
    assert row["status_reason"] == "the provider cannot be reached"
    assert await world.ends(wish) == ["accepted"], "its session was watched"


async def has_failed(world: Any, wish: Any) -> bool:
    return bool((await world.attempt(wish))["failures"])


async def is_(world: Any, wish: Any, state: str) -> bool:
    return bool((await world.attempt(wish))["state"] == state)


async def is_status(world: Any, line: Any, status: str) -> bool:
    return await status_of(world, line) == status


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What is logged."""
    written: list[str] = []
    root = logging.getLogger()
    before = (root.handlers, root.level)
    configure_logging("channel-gateway", "1", "0", write=lambda line: written.append(line.decode()))
    structlog.configure(cache_logger_on_first_use=False)  # the modules' loggers are used by the next test too
    yield written
    start_quietly()
    root.handlers, root.level = before


async def test_what_a_failing_waha_echoes_is_neither_said_nor_logged(world: Any, lines: list[str]) -> None:
    line = await world.line("GOWS")
    await world.control("faults", api={"error_500": {"limit": 1, "after_effect": 0.0}})
    wish = await world.send(line, "the word in confidence is heliotrope")
    await world.ends(wish)

    assert (await world.attempt(wish))["attempts"] >= 1
    told = " ".join([*lines, *map(str, await world.said_of(wish))])
    assert "channel-gateway" in told
    for secret in ("heliotrope", "the-provider-key", line.channel.secret):
        assert secret not in told
