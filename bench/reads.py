"""The benchmark of what people read: `make reads`, on an instance that `seed.py` has loaded, with nothing else running.

A few connections ask the gateway as an inbox does, one kind of question after the other, each always from another place: another chat,
contact or word. Milliseconds are from the request to the last byte of the answer; client, gateway, services and Postgres share the cores.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

import asyncpg
from local_stack.instances import Instance
from seed import CONTACTS, FIRST, INSTANCE, LAST, MESSAGES, SYLLABLES, Seeded, Tenant, seed, stack

WARM_UP_S = 0.5
REACH_MS = 50
"""95 of 100 answers of each kind come within this."""

Question = Callable[[random.Random], str]


@dataclass(frozen=True)
class Known:
    """What there is to ask for in a tenant: some chats, long chats, sessions and contacts (id, phone)."""

    chats: Sequence[str]
    long_chats: Sequence[str]
    sessions: Sequence[str]
    contacts: Sequence[tuple[str, str]]


class Reader:
    """One kept-alive connection with one question at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, api_key: str) -> None:
        self._reader, self._writer = reader, writer
        self._head = f" HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {api_key}\r\n\r\n".encode()

    @classmethod
    async def open(cls, port: int, api_key: str) -> "Reader":
        """Connect to the gateway."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**20), api_key)

    async def ask(self, path: str) -> tuple[int, bytes]:
        """Return status and body of the answer."""
        self._writer.write(b"GET /api/v1" + path.encode() + self._head)
        async with asyncio.timeout(30):
            head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return int(head[9:12]), await self._reader.readexactly(length)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def what_is_known(administrator: asyncpg.Connection, tenant: Tenant) -> Known:
    """Return some of everything, evenly over the tenant."""

    async def some(sql: str, most: int) -> list[Any]:
        rows = await administrator.fetch(sql, tenant.tenant_id)
        return random.Random(1).sample(rows, min(most, len(rows)))

    chats = await some("select id::text from messaging.chats where tenant_id = $1", 2000)
    long = await some(
        "select id::text from messaging.chats where tenant_id = $1 order by last_sequence desc limit 300", 300
    )
    sessions = await some(
        "select id::text from session.sessions where tenant_id = $1 order by id desc limit 5000", 2000
    )
    contacts = await some("select id::text, phone from contact.contacts where tenant_id = $1", 2000)
    return Known(
        [row[0] for row in chats], [row[0] for row in long], [row[0] for row in sessions], [*map(tuple, contacts)]
    )


async def cursor_after(reader: Reader, path: str, pages: int) -> str:
    """Return the path of the page after so many pages of 100."""
    path = f"{path}{'&' if '?' in path else '?'}limit=100"
    cursor = ""
    for _ in range(pages):
        status, body = await reader.ask(path + cursor)
        if status != 200:
            raise SystemExit(f"{path} was answered {status}")
        page = json.loads(body)
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    return path.replace("limit=100", "limit=20") + cursor


def fixed(path: str) -> Question:
    """Ask the same every time."""
    return lambda r: path


def search(text: Callable[[random.Random], str]) -> Question:
    """Search for what `text` draws."""
    return lambda r: f"/crm/contacts/search?q={quote(text(r))}"


def rare(r: random.Random) -> str:
    """Draw a last name that a few dozen have."""
    return "".join(r.choice(SYLLABLES) for _ in range(3))


async def questions(port: int, tenant: Tenant, known: Known) -> dict[str, tuple[str, Question]]:
    """Return what is asked in the big tenant, by kind, and by whose key."""
    reader = await Reader.open(port, tenant.api_key)

    async def later(pages: int, paths: Sequence[str]) -> Question:
        found = [await cursor_after(reader, path, pages) for path in paths]
        return lambda r: r.choice(found)

    def history(r: random.Random) -> str:
        return f"/crm/messages?chat_id={r.choice(known.chats)}"

    long = [f"/crm/messages?chat_id={chat}" for chat in known.long_chats[:20]]
    asked: dict[str, Question] = {
        "conversations": fixed("/crm/chats"),
        "conversations_page_2": await later(1, ["/crm/chats"]),
        "conversations_page_100": await later(20, ["/crm/chats"]),
        "conversations_unread": fixed("/crm/chats?unread=true"),
        "conversations_archived": fixed("/crm/chats?status=archived"),
        "conversations_groups": fixed("/crm/chats?chat_type=group"),
        "conversations_of_channel": fixed(f"/crm/chats?channel_id={tenant.channel_id}"),
        "conversations_of_contact": lambda r: f"/crm/chats?contact_id={r.choice(known.contacts)[0]}",
        "conversation": lambda r: f"/crm/chats/{r.choice(known.chats)}",
        "history": history,
        "history_of_long_chat": lambda r: f"/crm/messages?chat_id={r.choice(known.long_chats)}&limit=50",
        "history_page_50": await later(10, long),
        "history_oldest_first": lambda r: f"/crm/messages?chat_id={r.choice(known.long_chats)}&sort=timestamp",
        "messages_of_session": lambda r: f"/crm/messages?session_id={r.choice(known.sessions)}",
        "messages_of_contact": lambda r: f"/crm/messages?contact_id={r.choice(known.contacts)[0]}",
        "messages_of_project": fixed("/crm/messages"),
        "messages_of_agent": fixed("/crm/messages?agent_id=me"),
        "messages_failed": fixed("/crm/messages?status=failed"),
        "contacts": fixed("/crm/contacts"),
        "contacts_page_100": await later(20, ["/crm/contacts"]),
        "contacts_by_name": fixed("/crm/contacts?sort=name"),
        "contacts_by_last_interaction": fixed("/crm/contacts?sort=-last_interaction_at"),
        "contacts_with_frequent_tag": fixed("/crm/contacts?tags=Lead"),
        "contacts_with_rare_tag": fixed("/crm/contacts?tags=VIP"),
        "contacts_with_both_tags": lambda r: f"/crm/contacts?tags_all=VIP,Wave%20{r.randrange(0, 40, 20)}",
        "contacts_with_phone": lambda r: f"/crm/contacts?phone={quote(r.choice(known.contacts)[1])}",
        "contacts_with_name": lambda r: f"/crm/contacts?name={quote(r.choice(LAST))}",
        "contacts_with_rare_name": lambda r: f"/crm/contacts?name={rare(r)}",
        "contact": lambda r: f"/crm/contacts/{r.choice(known.contacts)[0]}",
        "search_frequent_name": search(lambda r: r.choice(FIRST)),
        "search_rare_name": search(rare),
        "search_two_names": search(lambda r: f"{r.choice(FIRST)} {r.choice(LAST)}"),
        "search_two_letters": search(lambda r: r.choice(FIRST)[:2]),
        "search_phone": search(lambda r: r.choice(known.contacts)[1]),
        "search_last_digits": search(lambda r: r.choice(known.contacts)[1][-5:]),
        "search_tag": search(lambda r: r.choice(("VIP", "Wave 7", "Lead"))),
        "search_nothing": search(lambda r: "zzyzx"),
        "sessions": fixed("/crm/sessions"),
        "sessions_active": fixed("/crm/sessions?status=active"),
        "sessions_of_contact": lambda r: f"/crm/sessions?contact_id={r.choice(known.contacts)[0]}",
    }
    reader.close()
    return {kind: (tenant.api_key, ask) for kind, ask in asked.items()}


def questions_of_small(tenant: Tenant, known: Known) -> dict[str, tuple[str, Question]]:
    """Return what is asked in a small tenant, which must not pay for the big one."""
    asked: dict[str, Question] = {
        "small_conversations": fixed("/crm/chats"),
        "small_history": lambda r: f"/crm/messages?chat_id={r.choice(known.chats)}",
        "small_search": search(lambda r: r.choice(FIRST)),
    }
    return {kind: (tenant.api_key, ask) for kind, ask in asked.items()}


async def measure_one(
    port: int, api_key: str, question: Question, seconds: float, connections: int
) -> dict[str, float]:
    """Ask one kind of question over and over; return what the answers took."""
    took: list[float] = []
    refused = 0
    counted_from = time.monotonic() + WARM_UP_S
    until = counted_from + seconds

    async def person(number: int) -> None:
        nonlocal refused
        chance = random.Random(number)
        reader = await Reader.open(port, api_key)
        while (began := time.monotonic()) < until:
            status, _ = await reader.ask(question(chance))
            refused += status != 200
            if began >= counted_from or time.monotonic() > until:
                took.append(time.monotonic() - began)
        reader.close()

    async with asyncio.TaskGroup() as group:
        for number in range(connections):
            group.create_task(person(number))
    took.sort()
    at = {name: took[min(len(took) - 1, int(len(took) * part))] for name, part in _PARTS.items()}
    return {name: round(1000 * value, 2) for name, value in at.items()} | {
        "per_s": round(len(took) / seconds, 1),
        "requests": len(took),
        "refused": refused,
    }


_PARTS = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "max_ms": 1.0}


async def measure(
    instance: Instance, seconds: float = 3, connections: int = 4, only: Sequence[str] = ()
) -> dict[str, dict[str, float]]:
    """Measure every kind of read on a seeded instance; return the figures by kind, and print them as they come."""
    seeded = Seeded.of(instance)
    if seeded is None:
        raise SystemExit(f"instance {instance.name} is not seeded")
    big, small = seeded.tenants[0], seeded.tenants[1]
    port = instance.ports["gateway"]
    administrator = await asyncpg.connect(instance.postgres_superuser_dsn)
    try:
        asked = await questions(port, big, await what_is_known(administrator, big))
        asked |= questions_of_small(small, await what_is_known(administrator, small))
    finally:
        await administrator.close()
    print(f"\n{'':>30} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'max ms':>8} {'per s':>8}")
    figures = {}
    for kind, (api_key, question) in asked.items():
        if only and kind not in only:
            continue
        found = figures[kind] = await measure_one(port, api_key, question, seconds, connections)
        late = "" if found["p95_ms"] < REACH_MS else f"  not under {REACH_MS} ms"
        late += f", {found['refused']} refused" if found["refused"] else ""
        print(
            f"{kind:>30} {found['p50_ms']:>8} {found['p95_ms']:>8} {found['p99_ms']:>8} {found['max_ms']:>8} {found['per_s']:>8}{late}"
        )
    return figures


def measure_seeded(
    name: str = INSTANCE,
    contacts: int = CONTACTS,
    messages: int = MESSAGES,
    seconds: float = 3,
    connections: int = 4,
    kinds: Sequence[str] = (),
) -> dict[str, dict[str, float]]:
    """Start the instance, seed it where that is missing, measure, and stop it."""
    stack("up", name)
    instance = Instance.open(name)
    try:
        asyncio.run(seed(instance, contacts, messages))
        return asyncio.run(measure(instance, seconds, connections, kinds))
    finally:
        stack("down", name)


def main() -> None:
    """Measure, and put the figures into `.ventros/bench.json` under `reads`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instance", default=INSTANCE)
    parser.add_argument("--contacts", type=int, default=CONTACTS)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--seconds", type=float, default=3, help="for each kind of read")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("kinds", nargs="*", help="only these")
    wanted = parser.parse_args()
    figures = measure_seeded(
        wanted.instance, wanted.contacts, wanted.messages, wanted.seconds, wanted.connections, wanted.kinds
    )
    file = Instance.open(wanted.instance).root / ".ventros" / "bench.json"
    told = cast(dict[str, Any], json.loads(file.read_text())) if file.exists() else {}
    told["reads"] = {**told.get("reads", {}), **figures}
    file.write_text(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
