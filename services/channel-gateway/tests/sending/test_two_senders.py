"""Two senders, one killed in the middle of a send, a WAHA that fails in every way: at most one message per request.

The ledger of the simulated WAHA is believed, not our tables.
"""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from testkit.eventually import eventually
from testkit.servers import Servers, run_python
from web.internal_tokens import make_key

SEED = 20261121
AES_KEY = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ENDED = ("accepted", "rejected", "unknown")

API_FAULTS: dict[str, Any] = {
    "lost_answer": {"probability": 0.1},
    "empty_answer": {"probability": 0.05},
    "error_500": {"probability": 0.08, "after_effect": 0.5},
    "error_463": {"probability": 0.06, "only_first_contacts": False},
    "bad_gateway": {"probability": 0.06, "after_effect": 0.5},
    "stalled": {"probability": 0.06, "seconds": [1, 5]},
    "slow": {"probability": 0.3, "seconds": [20, 60]},
}
WEBHOOK_FAULTS: dict[str, Any] = {
    "early_ack": {"probability": 0.2, "seconds": [5, 20]},
    "duplicate": {"probability": 0.1},
    "reorder": {"probability": 0.2},
    "swallowed": {"probability": 0.1},
}


def public_pem() -> str:
    from joserfc.jwk import OKPKey

    return OKPKey.import_key(make_key()).as_pem(private=False).decode()


class Process:
    """`python -m channel_gateway run --only work`: a sender in a process of its own."""

    def __init__(self, world: Any, servers: Servers, log: Path, metrics_port: int, crash_at: str | None = None) -> None:
        self.log = log
        settings = world.gateway.assembly.settings
        sending = settings.sending
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "ENV": "test",
            "DATABASE_URL": world.gateway.database.app_dsn,
            "DATABASE_RELAY_URL": world.gateway.database.relay_dsn,
            "RABBITMQ_URL": servers.rabbitmq_url,
            "BUS_PARTITIONS": "4",
            "METRICS_PORT": str(metrics_port),
            "INTERNAL_TOKEN_PUBLIC_KEYS": public_pem(),
            "ENCRYPTION_AES_KEY": AES_KEY,
            "WEBHOOK_BASE_URL": settings.webhook_base_url,
            "OUTBOUND_ALLOWED_HOSTS": ",".join(settings.outbound_allowed_hosts),
            "SEND_PACE": "false",
            "SEND_LEASE": str(sending.lease_s),
            "SEND_ANSWER": str(sending.answer_s),
            "SEND_LOOKS": ",".join(map(str, sending.looks_s)),
            "SEND_REPEAT_AFTER": str(sending.repeat_after),
            "SEND_HOLD": str(sending.hold_s),
            "LOG_LEVEL": "warning",
            **({} if crash_at is None else {"CRASH_AT": crash_at}),
        }
        self._running = run_python(
            *("-m", "channel_gateway", "run", "--only", "work"), environment=self._environment, log=str(log)
        )

    def kill(self) -> None:
        """End it without a word."""
        self._running.send_signal(signal.SIGKILL)
        assert self._running.wait(30) == -signal.SIGKILL, self.log.read_text()

    @property
    def killed(self) -> bool:
        """Tell whether it died where it was told to."""
        return self._running.poll() == -signal.SIGKILL

    def close(self) -> None:
        if self._running.poll() is None:
            self._running.kill()
            self._running.wait(30)


async def test_killed_in_the_middle_of_a_send_among_all_faults_nothing_is_sent_twice(
    make_world: Any, servers: Servers, tmp_path: Path, free_port: Any, chat_of: Any
) -> None:
    world = await make_world(works=False)
    stop = await world.run(world.gateway)
    lines = [await world.line(engine) for engine in ("GOWS", "WEBJS", "NOWEB", "WEBJS")]
    await stop()
    wishes = [
        world.wish(line, f"{line.session} chat {chat} number {number}", chat=chat_of(chat), priority=priority)
        for number in range(4)
        for chat, priority in enumerate(("high", "normal", "normal"))
        for line in lines
    ]
    await world.control("faults", seed=SEED, api=API_FAULTS, webhooks=WEBHOOK_FAULTS)
    process = Process(world, servers, tmp_path / "sender.log", free_port())
    try:
        await world.ask(*wishes)
        await eventually(lambda: in_flight(world, 3), within_s=60, every_s=0.01, because=process.log.read_text())
        process.kill()
    finally:
        process.close()
    left = await world.gateway.rows("select message_id from channel_gateway.send_attempts where state = 'sending'")
    assert left, "it was not in the middle of anything"
    await world.run(world.gateway)
    other = await world.another()
    await world.run(other)
    try:
        await eventually(lambda: all_is_over(world, len(wishes)), within_s=90, every_s=0.2)
    except AssertionError:
        await world.tell()
        raise
    await check(world, wishes)
    unresolved = await world.gateway.said("channel.message_unresolved.v1")
    assert any("the sender stopped in the middle" in json.dumps(event) for event in unresolved), (
        "the fault did not bite"
    )
    shown = await world.waha.get("/control/faults")
    assert {name for name, fault in shown.json()["api"].items() if fault["injected"]} >= {"lost_answer", "slow"}


async def check(world: Any, wishes: list[Any]) -> None:
    """Believe the ledger: one message or none for each request, its state says which, and chats kept their order."""
    await eventually(lambda: waha_is_idle(world), within_s=30)
    sent = await world.whatsapp()
    hashes = [each["text_hash"] for each in sent]
    assert len(hashes) == len(set(hashes)), "DOUBLE"
    chats: dict[tuple[str, str], list[int]] = {}
    for wish in wishes:
        stored = await world.attempt(wish)
        outcomes = [outcome for outcome, _ in await world.said_of(wish)]
        went = await world.went_out(wish)
        last = {"accepted": "sent", "rejected": "failed", "unknown": "unresolved"}[stored["state"]]
        assert outcomes in ([last], ["unresolved", last] if last != "unresolved" else [last]), outcomes
        if stored["state"] != "unknown":
            assert went == (stored["state"] == "accepted"), (stored["state"], stored["last_error"])
        else:
            assert stored["last_error"]
        if went:
            place = next(each["chat_seq"] for each in sent if each["text_hash"] == hash_of(wish.text))
            chats.setdefault((str(stored["channel_id"]), wish.chat), []).append(place)
    assert all(places == sorted(places) for places in chats.values()), "REORDERED"


@pytest.mark.parametrize(
    ("crash_at", "engine", "state", "went_out"),
    [
        ("send.before_call", "GOWS", "accepted", 1),  # found nowhere, repeated under its id
        ("send.after_call", "GOWS", "accepted", 1),  # found in the history
        ("send.after_call", "WEBJS", "accepted", 1),  # proven by its echo, which waits, or the history
        ("send.before_call", "WEBJS", "unknown", 0),  # nobody can know, and nobody guesses
    ],
)
async def test_a_sender_that_dies_at_its_call_leaves_one_message_at_most(
    make_world: Any,
    servers: Servers,
    tmp_path: Path,
    free_port: Any,
    crash_at: str,
    engine: str,
    state: str,
    went_out: int,
) -> None:
    world = await make_world(works=False)
    stop = await world.run(world.gateway)
    line = await world.line(engine)
    await stop()
    if engine == "GOWS":  # whose echo would prove it at once
        await world.control("settings", delivers=False)
        await world.control("faults", webhooks={"swallowed": {}})
    wish = await world.send(line, "once at most")
    process = Process(world, servers, tmp_path / "sender.log", free_port(), crash_at)
    try:
        await eventually(lambda: process.killed, within_s=60, because="it did not come that far")
    finally:
        process.close()
    assert (await world.attempt(wish))["state"] == "sending", "what begins is stored before it begins"
    assert await world.said_of(wish) == []
    await world.run(await world.another())
    await eventually(lambda: all_is_over(world, 1), within_s=60)
    await check(world, [wish])
    assert (await world.attempt(wish))["state"] == state
    assert await world.went_out(wish) == went_out


async def test_two_living_senders_leave_each_others_calls_alone(make_world: Any, chat_of: Any) -> None:
    world = await make_world()
    await world.run(await world.another())
    lines = [await world.line(engine) for engine in ("GOWS", "WEBJS")]
    # longer than a lease, which has to be held meanwhile
    await world.control("faults", seed=SEED, api={"slow": {"probability": 0.4, "seconds": [60, 80]}})
    wishes = [
        world.wish(line, f"{line.session} chat {chat} number {number}", chat=chat_of(chat))
        for number in range(3)
        for chat in range(3)
        for line in lines
    ]
    await world.ask(*wishes)
    assert set(await world.ends(*wishes, within_s=60)) == {"accepted"}
    await check(world, wishes)
    assert await world.gateway.said("channel.message_unresolved.v1") == []


@pytest.mark.parametrize("engine", ["GOWS", "WEBJS"])
async def test_a_sender_that_slept_through_its_lease_neither_begins_nor_doubles_anything(
    make_world: Any, chat_of: Any, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await make_world()
    line = await world.line(engine)
    sleeper = world.gateway.assembly.sender
    # nobody but the answer says what became of it
    await world.control("settings", delivers=False)
    await world.control("faults", api={"slow": {"limit": 1, "seconds": [90, 90]}}, webhooks={"swallowed": {}})
    wish = await world.send(line, "slow")
    await eventually(lambda: in_flight(world, 1), within_s=30)
    # its heartbeat stops, its call goes on
    sleeper._settings = sleeper._settings.__class__(lease_s=1000, paced=False)
    other = await world.another()
    await world.run(other)
    later = await world.send(line, "later", chat=chat_of(2))
    assert await world.ends(wish, later) == ["accepted", "accepted"]
    await check(world, [wish, later])


async def in_flight(world: Any, least: int) -> bool:
    (row,) = await world.gateway.rows("select count(*) as n from channel_gateway.send_attempts where state = 'sending'")
    return bool(row["n"] >= least)


async def waha_is_idle(world: Any) -> bool:
    """Calls are in the ledger once they have ended."""
    return bool((await world.waha.get("/control/state")).json()["calls_open"] == 0)


async def all_is_over(world: Any, count: int) -> bool:
    (row,) = await world.gateway.rows(
        "select count(*) as n from channel_gateway.send_attempts"
        " where state in ('accepted', 'rejected') or (state = 'unknown' and look_at is null and repeat_at is null)"
    )
    return bool(row["n"] == count)


def hash_of(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:16]
