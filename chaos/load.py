"""Customers who write at a fixed rate, and programs that write to them: open loop, every operation in the ledger.

An arrival is due at a time of its own, whatever became of the one before: a stall is seen as a backlog of arrivals. Within a chat one
webhook is posted at a time and repeated as WAHA repeats (exponential with jitter, shortened) until it is answered 2xx or refused for
good, so the order in which a chat's messages were accepted is that of their numbers.
"""

import asyncio
import itertools
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import httpx
from kernel.ids import new_id
from ledger import Ledger, Outcome
from posting import Poster
from product import Tenant
from scenario import Expected
from testkit.eventually import eventually
from waha_simulator.payloads import Person

ASKS_EVERY = 20
"""Every twentieth message of a chat is a question, which a rule answers where there is one."""
ATTEMPTS = 60
TRY_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504}
"""What a sender repeats: too fast, not finished, or somebody was away."""


@dataclass
class Chat:
    """One customer of one tenant."""

    tenant: Tenant
    customer: Person
    name: str
    chat_id: str = ""
    seq: int = 0
    sends: int = 0
    waiting: deque[int] = field(default_factory=deque)
    posting: "asyncio.Task[None] | None" = None

    @property
    def address(self) -> str:
        """Return how WhatsApp calls this chat."""
        return f"{self.customer.phone}@c.us"


@dataclass(frozen=True, slots=True)
class Accepted:
    """One webhook that was answered 2xx, as it was sent."""

    chat: Chat
    op_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One attempt: when it ended (monotonic), how long it took, and its status (0: the connection broke)."""

    at: float
    took_s: float
    status: int


class Load:
    """The generator. `per_second` may be changed while it runs, and `door_of` tells where a tenant's webhooks are posted."""

    def __init__(self, tenants: list[Tenant], ledger: Ledger, seed: int, *, chats_each: int, per_second: float) -> None:
        self.tenants = tenants
        self.ledger = ledger
        self.per_second = per_second
        self.sends_per_second = 0.0
        self.door_of: Callable[[Tenant], str] = lambda tenant: tenant.webhook_url
        self.expected = Expected()
        self.answers: list[Answer] = []
        self.refused: Counter[int] = Counter()
        """Answers that were not 2xx, by status; 0 is a connection that could not be made or broke."""
        self.repeated_sends = 0
        self.undo_hooks()
        self._random = random.Random(seed)
        self.chats = [
            Chat(tenant, self._person(number), f"{place}/{number}")
            for place, tenant in enumerate(tenants)
            for number in range(chats_each)
        ]
        self._stop = asyncio.Event()
        self._strangers = 0
        self._running: list[asyncio.Task[None]] = []
        self._poster = Poster()

    def _person(self, number: int) -> Person:
        digits = self._random.randrange(10**7, 10**8)
        return Person(phone=f"55119{digits}", lid=f"2{self._random.randrange(10**13):014}", name=f"C{number}")

    def undo_hooks(self) -> None:
        """Let nobody look at, mark or date what is written, as it is at the beginning."""
        self.on_accepted: Callable[[Accepted], None] = lambda accepted: None
        self.suffix: Callable[[], str] = str
        """What is put behind a text."""
        self.clock: Callable[[], datetime | None] = lambda: None
        """The time by which a message is told to have been written; None: now."""

    def stranger(self, tenant: Tenant) -> Chat:
        """Return the chat of a customer whom nobody has met; whoever asks posts into it by `post`."""
        self._strangers += 1
        return Chat(tenant, self._person(1000 + self._strangers), f"stranger/{self._strangers}")

    async def nothing_waits(self, within_s: float = 20) -> None:
        """Wait until all that arrived so far has an outcome."""
        posting = [chat.posting for chat in self.chats if chat.posting]
        async with asyncio.timeout(within_s):
            await asyncio.gather(*posting)

    @property
    def accepted(self) -> int:
        """Return how many webhooks were answered 2xx so far."""
        return sum(1 for _ in self.ledger.of("webhook", "ok"))

    async def meet(self) -> None:
        """Let every customer write once through WhatsApp itself, so that it knows whom we write to, and wait for their chats."""
        for chat in self.chats:
            text, chat.seq = f"{chat.name} #0", 1
            op_id = await chat.tenant.whatsapp.writes(chat.customer, text)
            self.ledger.begin(op_id, "webhook", chat.tenant.tenant_id, chat.address, 0, text.encode())
            self.ledger.end(op_id, "ok", 1)

        async def all_met() -> bool:
            for tenant in self.tenants:
                known = {each["external_id"]: each["id"] for each in await tenant.all("/crm/chats")}
                for chat in self.chats:
                    if chat.tenant is tenant:
                        chat.chat_id = known.get(chat.address, "")
            return all(chat.chat_id for chat in self.chats)

        await eventually(all_met, within_s=40, every_s=0.3, because="everybody is met")

    def begin(self, sends_per_second: float = 0.0) -> None:
        """Start writing."""
        self.sends_per_second = sends_per_second
        self._running = [asyncio.create_task(self._arrivals())]
        if sends_per_second:
            self._running += [asyncio.create_task(self._sends(chat, place)) for place, chat in enumerate(self.chats)]

    async def finish(self, within_s: float = 45) -> None:
        """Let no more arrive and wait until what was begun has an outcome; what has none after that stays `info`."""
        self._stop.set()
        try:
            async with asyncio.timeout(within_s):
                await asyncio.gather(*self._running)
                await asyncio.gather(*(chat.posting for chat in self.chats if chat.posting))
        except TimeoutError:
            await self.close()

    async def close(self) -> None:
        """End everything at once."""
        self._stop.set()
        tasks = [*self._running, *(chat.posting for chat in self.chats if chat.posting)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._poster.close()
        self.ledger.close()

    async def _arrivals(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            due += self._random.expovariate(self.per_second)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.arrive(self._random.choice(self.chats))

    def arrive(self, chat: Chat) -> None:
        """Let one more message of this chat be due now."""
        chat.waiting.append(chat.seq)
        chat.seq += 1
        if chat.posting is None or chat.posting.done():
            chat.posting = asyncio.create_task(self._post_waiting(chat))

    async def _post_waiting(self, chat: Chat) -> None:
        while chat.waiting:
            seq = chat.waiting.popleft()
            bare_id = new_message_id()
            text = f"{chat.name} #{seq}{'?' if seq % ASKS_EVERY == 1 else ''}{self.suffix()}"
            body = chat.tenant.text(chat.customer, text, bare_id=bare_id, at=self.clock())
            await self.post(chat, bare_id, seq, body)

    async def post(self, chat: Chat, op_id: str, seq: int, body: bytes) -> Outcome:
        """Post one webhook until its outcome is known; note it all in the ledger."""
        tenant = chat.tenant
        self.ledger.begin(op_id, "webhook", tenant.tenant_id, chat.address, seq, body)
        headers = tenant.sign(body)
        for attempt in range(1, ATTEMPTS + 1):
            status = await self._attempt(self.door_of(tenant), body, headers)
            if 200 <= status < 300:
                self.ledger.end(op_id, "ok", attempt)
                self.on_accepted(Accepted(chat, op_id, body))
                return "ok"
            self.refused[status] += 1
            if 400 <= status < 500 and status not in TRY_AGAIN:
                # An earlier attempt whose answer was lost may have been stored.
                outcome: Outcome = "fail" if attempt == 1 else "info"
                self.ledger.end(op_id, outcome, attempt)
                return outcome
            await asyncio.sleep(min(0.1 * 2.0**attempt, 2.0) * self._random.uniform(1.0, 1.2))
        self.ledger.end(op_id, "info", ATTEMPTS)
        return "info"

    async def again(self, accepted: Accepted) -> str:
        """Post once more what was accepted; return what it was called (`queued`, `duplicate`), or the status of a refusal."""
        answer = await accepted.chat.tenant.post(accepted.body)
        return str(answer.json()["status"] if answer.status_code == 200 else answer.status_code)

    async def _attempt(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        began = time.monotonic()
        status = await self._poster.post(url, body, headers)
        now = time.monotonic()
        self.answers.append(Answer(now, now - began, status))
        return status

    async def _sends(self, chat: Chat, place: int) -> None:
        """Programs write into this chat at a steady rate, one at a time; chats are spread over the period."""
        period_s = len(self.chats) / self.sends_per_second
        await asyncio.sleep(period_s * place / len(self.chats))
        for number in itertools.count(1):
            if self._stop.is_set():
                return
            key = new_id()
            await self._send(chat, key, number)
            try:
                async with asyncio.timeout(period_s):
                    await self._stop.wait()
            except TimeoutError:
                continue

    async def _send(self, chat: Chat, key: str, number: int) -> None:
        text = text_of_send(key)
        self.ledger.begin(key, "send", chat.tenant.tenant_id, chat.address, number, text.encode())
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = await chat.tenant.send(chat.chat_id, text, key=key)
                status = answer.status_code
            except httpx.TransportError:
                status = 0
            if status == 202:
                self.ledger.end(key, "ok", attempt)
                return
            if status and status not in TRY_AGAIN:
                self.ledger.end(key, "fail" if attempt == 1 else "info", attempt)
                return
            self.repeated_sends += 1
            await asyncio.sleep(0.3)


def new_message_id() -> str:
    """Return a bare id as WhatsApp makes them."""
    return f"3EB0{new_id().replace('-', '').upper()[:24]}"


def text_of_send(key: str) -> str:
    """Return the text by which a send is known on the customer's phone."""
    return f"news {key}"
