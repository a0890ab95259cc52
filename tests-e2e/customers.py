"""Customers who write at a steady rate, and clerks who write to them: both remember what they were answered."""

import asyncio
import itertools
import random
from dataclasses import dataclass, field

import httpx
from kernel.ids import new_id
from product import Tenant
from testkit.eventually import eventually
from waha_simulator.payloads import Person

ASKS_EVERY = 20
"""Every twentieth message is a question."""
TRY_AGAIN = {409, 429, 500, 502, 503, 504}
"""What a program repeats with the same key: not finished, too fast, or somebody was away."""


@dataclass
class Chat:
    """One customer's chat: who writes, and what was answered."""

    tenant: Tenant
    customer: Person
    chat_id: str = ""
    accepted: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    requested: dict[str, str] = field(default_factory=dict)
    """What was sent to the customer over the API: message id → text, in this order."""
    outcomes: list[tuple[str, str]] = field(default_factory=list)
    """What the product says of its own messages in the end: text and status, in the order of the chat."""

    @property
    def address(self) -> str:
        """Return how WhatsApp calls this chat."""
        return f"{self.customer.phone}@c.us"


class Senders:
    """Customers who write at a steady rate, one message of a chat at a time, retried like WAHA retries until it is answered 2xx."""

    def __init__(self, tenants: list[Tenant], chats_each: int, per_second: float, seed: int) -> None:
        self.tenants = tenants
        self._random = random.Random(seed)
        self.chats = [
            Chat(
                tenant,
                Person(phone=f"55119{self._random.randrange(10**7, 10**8)}", lid=f"2{number:014}", name=f"C{number}"),
            )
            for tenant in tenants
            for number in range(chats_each)
        ]
        self._pause_s = len(self.chats) / per_second
        self.retries = 0
        self.refused = 0

    async def meet(self) -> None:
        """Let everybody write once through WhatsApp itself, so that it knows whom we write to, and wait for their chats."""
        for chat in self.chats:
            chat.accepted.append(await chat.tenant.whatsapp.writes(chat.customer, "hello"))

        async def all_met() -> bool:
            ids = {
                (tenant.tenant_id, each["external_id"]): each["id"]
                for tenant in {chat.tenant.tenant_id: chat.tenant for chat in self.chats}.values()
                for each in await tenant.all("/crm/chats")
            }
            for chat in self.chats:
                chat.chat_id = ids.get((chat.tenant.tenant_id, chat.address), "")
            return all(chat.chat_id for chat in self.chats)

        await eventually(all_met, within_s=30, because="everybody is met")

    async def write(self, stop: asyncio.Event) -> None:
        """Let everybody write until told to stop; then finish what was begun."""
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(timeout=10, limits=limits, trust_env=False) as client:
            await asyncio.gather(*(self._chat(client, chat, stop) for chat in self.chats))

    async def _chat(self, client: httpx.AsyncClient, chat: Chat, stop: asyncio.Event) -> None:
        await asyncio.sleep(self._random.uniform(0, self._pause_s))
        for number in itertools.count(1):
            if stop.is_set():
                return
            bare_id = f"3EB0{new_id().replace('-', '').upper()[:24]}"
            text = f"#{number}{'?' if number % ASKS_EVERY == 0 else ''}"
            body = chat.tenant.text(chat.customer, text, bare_id=bare_id)
            await self._post(client, chat, bare_id, body)
            await asyncio.sleep(self._pause_s * self._random.uniform(0.7, 1.3))

    async def _post(self, client: httpx.AsyncClient, chat: Chat, bare_id: str, body: bytes) -> None:
        for attempt in range(60):
            try:
                answer = await client.post(chat.tenant.webhook_url, content=body, headers=chat.tenant.sign(body))
                if answer.is_success:
                    chat.accepted.append(bare_id)
                    return
                self.refused += 1
                assert answer.status_code == 503, answer.text
            except httpx.TransportError:
                self.retries += 1
            await asyncio.sleep(min(0.1 * 2**attempt, 1.0))
        chat.unknown.append(bare_id)


class Clerks:
    """Programs that write into chats at a steady rate, one message of a chat at a time, each repeated with its key until it is answered."""

    def __init__(self, chats: list[Chat], per_second: float) -> None:
        self._chats = chats
        self._pause_s = len(chats) / per_second
        self.repeated = 0

    async def write(self, stop: asyncio.Event) -> None:
        """Let all of them write until told to stop; then finish what was begun."""
        share = self._pause_s / len(self._chats)
        await asyncio.gather(*(self._chat(chat, place * share, stop) for place, chat in enumerate(self._chats)))

    async def _chat(self, chat: Chat, begin_s: float, stop: asyncio.Event) -> None:
        """Write at a steady rate; all chats at once would leave pauses in which a kill meets nobody."""
        await asyncio.sleep(begin_s)
        for number in itertools.count(1):
            if stop.is_set():
                return
            await self._send(chat, f"news {number}", new_id())
            await asyncio.sleep(self._pause_s)

    async def _send(self, chat: Chat, text: str, key: str) -> None:
        for _ in range(100):
            try:
                answer = await chat.tenant.send(chat.chat_id, text, key=key)
                if answer.status_code == 202:
                    chat.requested[answer.json()["message_id"]] = text
                    return
                assert answer.status_code in TRY_AGAIN, answer.text
            except httpx.TransportError:
                pass
            self.repeated += 1
            await asyncio.sleep(0.3)
        raise AssertionError(f"{text} was never answered")
