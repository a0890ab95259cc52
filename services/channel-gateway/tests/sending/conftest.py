"""Sends as they happen: the gateway's roles, its door on a real port, and the simulated WAHA on another."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from channel_gateway.bootstrap import HEARD
from channel_gateway.entrypoints.events.on_message_cancel_requested import on_message_cancel_requested
from channel_gateway.entrypoints.events.on_message_send_requested import on_message_send_requested
from channel_gateway.settings import SendSettings
from contracts.envelope import Event, first_event
from contracts.fields import SenderRef
from contracts.message.cancel_requested_v1 import MessageCancelRequestedV1
from contracts.message.recipient import Recipient
from contracts.message.send_requested_v1 import MessageSendRequestedV1
from kernel.ids import new_id
from testkit.eventually import eventually
from testkit.listening import free_port
from waha_simulator.server import RunningSimulator
from waha_simulator.settings import Settings as SimulatorSettings
from web.server import HttpServer

FAST = SendSettings(
    paced=False, lease_s=1.0, answer_s=2.0, looks_s=(0.2, 0.5, 0.9, 1.5, 2.5), repeat_after=2, hold_s=1.5
)
"""Everything as in life, in less time."""

PATIENT = {"acquire_timeout_s": 10.0}
"""Requests are heard here without the consumer, which would repeat them."""

API_KEY, CONTROL_KEY = "the-provider-key", "the-control-key"
OUTCOMES = ("channel.message_sent.v1", "channel.message_failed.v1", "channel.message_unresolved.v1")
FINAL = ("accepted", "rejected")


def chat_of(number: int) -> str:
    """Return the chat of a customer."""
    return f"55219555{number:05d}@c.us"


def hash_of(text: str) -> str:
    """Return how the simulator's ledger names a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass
class Wish:
    """A message that was asked for."""

    id: str
    text: str
    chat: str
    event: Event[MessageSendRequestedV1]


@dataclass
class Line:
    """A channel whose session works at the simulated WAHA."""

    channel: Any
    session: str
    engine: str


@dataclass
class SendingWorld:
    """The gateway with one or more replicas, and the WAHA that it sends through."""

    gateways: Any
    gateway: Any
    simulator: RunningSimulator
    waha: httpx.AsyncClient
    stack: contextlib.AsyncExitStack
    webhook_port: int
    lines: int = 0

    # the gateway

    async def run(self, gateway: Any) -> Callable[[], Awaitable[None]]:
        """Run the working roles of a replica until the returned function is called, or the test ends."""
        roles = gateway.assembly.sending_roles
        signals = [asyncio.Event() for _ in roles]
        tasks = [asyncio.create_task(role.run(own), name=role.name) for role, own in zip(roles, signals, strict=True)]

        async def stop() -> None:
            """One after the other, as the process does it."""
            for own, task in zip(signals, tasks, strict=True):
                own.set()
                await asyncio.wait_for(task, 20)

        self.stack.push_async_callback(stop)
        return stop

    async def another(self, **changes: Any) -> Any:
        """Return a further replica, with a pool of its own."""
        settings = self.gateway.assembly.settings
        settings = replace(settings, sending=replace(settings.sending, **changes))
        return await self.gateways.make(settings=settings, listens=True, pool=PATIENT)

    async def line(self, engine: str = "GOWS", **more: Any) -> Line:
        """Connect and activate a channel, and pair its phone."""
        self.lines += 1
        session = f"line{self.lines}"
        channel = await self.gateway.connect(session=session, base_url=self.simulator.url, **more)
        opened = await self.waha.post(f"/api/sessions?engine={engine}", json={"name": session, "start": True})
        assert opened.status_code == 201, opened.text
        await self.control(f"sessions/{session}/scan", phone=f"55119400{self.lines:05d}")
        answer = await self.gateway.ask(channel.tenant, "POST", f"/crm/channels/{channel.id}/activate")
        assert answer.status_code == 202, answer.text
        await eventually(lambda: self._is_active(channel), within_s=60, because="the channel is not active")
        return Line(channel, session, engine)

    async def _is_active(self, channel: Any) -> bool:
        (row,) = await self.gateway.rows("select status from channel_gateway.channels where id = $1", channel.id)
        return bool(row["status"] == "active")

    def wish(self, line: Line, text: str, *, chat: str | None = None, **more: Any) -> Wish:
        """Return a request of messaging."""
        chat = chat or chat_of(1)
        to = more.pop("to", None) or Recipient(external_chat_id=chat)
        content = more.pop("content", None) or {"type": "text", "text": text}
        now = datetime.now(UTC)
        message_id = new_id()
        data = MessageSendRequestedV1(
            message_id=message_id,
            chat_id=new_id(),
            chat_key=f"{line.channel.id}:{chat}",
            chat_type="individual",
            channel_id=line.channel.id,
            to=to,
            content=msgspec.Raw(json.dumps(content).encode()),
            sender=SenderRef(kind="agent", id=new_id()),
            source="manual",
            queued_at=now,
            **{"expires_at": now + timedelta(hours=1), **more},
        )
        return Wish(message_id, text, chat, self._event(line, data, message_id, data.chat_key))

    async def ask(self, *wishes: Wish) -> None:
        """Let the gateway hear requests, in one batch."""
        assembly = self.gateway.assembly
        async with assembly.works.begin({wish.event.tenantid for wish in wishes}) as work:
            await on_message_send_requested([wish.event for wish in wishes], assembly.work_of(work))

    async def send(self, line: Line, text: str, **more: Any) -> Wish:
        """Ask for one message."""
        wish = self.wish(line, text, **more)
        await self.ask(wish)
        return wish

    async def hears(self, line: Line, data: Any) -> None:
        """Let the gateway hear what is said of the line's project."""
        (module,) = [each for each in HEARD if each.HEARS is type(data)]
        handler = getattr(module, module.__name__.rpartition(".")[2])
        event, assembly = self._event(line, data, data.project_id, data.project_id), self.gateway.assembly
        async with assembly.works.begin([event.tenantid]) as work:
            await handler([event], assembly.work_of(work))

    async def cancel(self, line: Line, wish: Wish) -> None:
        """Withdraw a message."""
        data = MessageCancelRequestedV1(
            message_id=wish.id, channel_id=line.channel.id, chat_key=wish.event.data.chat_key
        )
        event = self._event(line, data, wish.id, data.chat_key)
        assembly = self.gateway.assembly
        async with assembly.works.begin([event.tenantid]) as work:
            await on_message_cancel_requested([event], assembly.work_of(work))

    def _event(self, line: Line, data: Any, subject: str, key: str) -> Event[Any]:
        tenant = line.channel.tenant
        return first_event(
            data,
            id=new_id(),
            source="messaging",
            subject=subject,
            time=datetime.now(UTC),
            tenant_id=tenant.tenant_id,
            project_id=tenant.project_id,
            partition_key=key,
            correlation_id=new_id(),
            actor="user:1",
        )

    async def attempt(self, wish: Wish) -> dict[str, Any]:
        """Return the stored send."""
        (row,) = await self.gateway.rows("select * from channel_gateway.send_attempts where message_id = $1", wish.id)
        return dict(row)

    async def ends(self, *wishes: Wish, as_: Sequence[str] = FINAL, within_s: float = 30) -> list[str]:
        """Wait until every send is in one of these states; return the states in the order of the wishes."""
        statement = (
            "select message_id::text as id, state from channel_gateway.send_attempts where message_id = any($1::uuid[])"
        )

        async def look() -> list[str] | None:
            rows = await self.gateway.rows(statement, [wish.id for wish in wishes])
            states = {row["id"]: row["state"] for row in rows}
            found = [states.get(wish.id, "missing") for wish in wishes]
            return found if all(state in as_ for state in found) else None

        try:
            found = await eventually(look, within_s=within_s, because=f"not all sends are {' or '.join(as_)}")
        except AssertionError:
            await self.tell()
            raise
        assert found is not None
        return found

    async def tell(self) -> None:
        """Show how things stand, for whoever reads a failed test."""
        for table in ("channels", "channel_senders", "channel_checks", "provider_sessions", "send_attempts"):
            for row in await self.gateway.rows(f"select * from channel_gateway.{table} order by 1, 2"):
                print(
                    table, {name: str(value) for name, value in row.items() if value not in (None, "", [], {}, False)}
                )

    async def said_of(self, wish: Wish) -> list[tuple[str, dict[str, Any]]]:
        """Return the events about a send, in order: (sent, failed or unresolved; data)."""
        events = await self.gateway.said(None)
        about = [e for e in events if e["type"] in OUTCOMES and e["data"]["message_id"] == wish.id]
        for event in about:
            assert event["partitionkey"] == wish.event.data.chat_key
            assert (event["correlationid"], event["causationid"]) in (
                (wish.event.correlationid, wish.event.id),
                (event["correlationid"], event["causationid"]) if event["data"].get("code") == "cancelled" else (),
            )
        return [(event["type"].split(".")[1].removeprefix("message_"), event["data"]) for event in about]

    # the simulated WAHA

    async def control(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.waha.post(f"/control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def goes_away(self, *, seconds: float) -> None:
        """WAHA refuses connections from now on, for so long; none stays open."""
        await self.control("door/refuse", seconds=seconds)
        await eventually(self._is_away, every_s=0.01, because="WAHA still listens")

    async def _is_away(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.simulator.settings.port)
        except OSError:
            return True
        writer.close()
        return False

    async def calls(self, path: str = "/api/sendText") -> list[dict[str, Any]]:
        """Return what the gateway asked of WAHA, in order."""
        answer = await self.waha.get("/control/ledger/calls")
        return [line for line in map(json.loads, answer.text.splitlines()) if line["path"] == path]

    async def whatsapp(self) -> list[dict[str, Any]]:
        """Return every message that really went out, in order."""
        return [effect for call in await self.calls() for effect in call["effects"] if effect["new"]]

    async def went_out(self, wish: Wish) -> int:
        """Return how many WhatsApp messages a request made."""
        return sum(each["text_hash"] == hash_of(wish.text) for each in await self.whatsapp())

    async def drain(self) -> None:
        """Wait until WAHA has told everything."""
        assert (await self.control("drain", seconds=10))["drained"]


@pytest.fixture(name="free_port")
def ports() -> Callable[[], int]:
    """`free_port()`: a port that nobody listens on."""
    return free_port


@pytest.fixture(name="chat_of")
def chats() -> Callable[[int], str]:
    """`chat_of(1)`: the chat of a customer."""
    return chat_of


@pytest.fixture(name="hash_of")
def hashes() -> Callable[[str], str]:
    """`hash_of(text)`: how the simulator's ledger names it."""
    return hash_of


MakeWorld = Callable[..., Awaitable[SendingWorld]]


@pytest.fixture
async def make_world(gateways: Any) -> AsyncIterator[MakeWorld]:
    """`await make_world()`: the gateway at work, and its WAHA, whose seconds pass fifty times faster."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(*, works: bool = True, **changes: Any) -> SendingWorld:
            simulator = await stack.enter_async_context(
                RunningSimulator(
                    SimulatorSettings(api_key=API_KEY, control_key=CONTROL_KEY, port=free_port(), time_factor=0.02)
                )
            )
            port = free_port()
            settings = replace(
                gateways.usual_settings(),
                webhook_base_url=f"http://127.0.0.1:{port}",
                outbound_allowed_hosts=(f"127.0.0.1:{simulator.settings.port}",),
                sending=replace(FAST, **changes),
            )
            gateway = await gateways.make(settings=settings, listens=True, pool=PATIENT)
            stopping = asyncio.Event()
            serving = asyncio.create_task(
                HttpServer(gateway.app, "127.0.0.1", port, "door", door=gateway.assembly.door).run(stopping)
            )

            async def stop() -> None:
                stopping.set()
                await asyncio.wait_for(serving, 10)

            stack.push_async_callback(stop)
            headers = {"X-Api-Key": API_KEY, "X-Control-Key": CONTROL_KEY}
            waha = httpx.AsyncClient(base_url=simulator.control_url, headers=headers, timeout=30, trust_env=False)
            await stack.enter_async_context(waha)
            world = SendingWorld(gateways, gateway, simulator, waha, stack, port)
            if works:
                await world.run(gateway)
            return world

        yield make


@pytest.fixture
async def world(make_world: MakeWorld) -> SendingWorld:
    """The gateway at work, and its WAHA."""
    return await make_world()
