"""Shops: tenants whose WhatsApp channel works, with customers who have all written before, and what WhatsApp accepted from us.

A channel sends to eight chats at once and to a chat one message at a time, so there are many of both: neither shall limit what is
measured. WhatsApp is the simulator, whose ledger names a text by its hash and tells when it was made a message.
"""

import asyncio
import hashlib
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import httpx
from open_loop import Posted
from stand import Stand, Tenant
from verdict import Outcome, percentiles

SEED, MET_PER_S = 7, 300
MOST_LINES = 10_000
"""Of the ledger in one answer."""
COLUMNS = ("per_s", "accepted_per_s", "p50_ms", "p99_ms", "answer.p50_ms", "answer.p99_ms", "missing")
"""Of the table of steps."""
QUIET_S, MOST_S = 8.0, 100.0
"""Nothing more is expected once nothing was accepted for so long, or after so long in all."""


@dataclass(frozen=True)
class Customer:
    """Somebody who wrote to a shop: what is sent to `chat_id` reaches `phone` (digits)."""

    shop: Tenant
    phone: str
    chat_id: str


class Shops:
    """The shops of one run."""

    def __init__(self, stand: Stand, count: int, customers_each: int) -> None:
        """Make them on a stack that runs with SEND_PACE=false, and let every customer write once."""
        self._stand = stand
        self._control = httpx.Client(
            base_url=f"{stand.address('simulator_metrics')}/control",
            headers={"X-Control-Key": stand.instance.secrets["simulator_control_key"]},
            timeout=30,
            trust_env=False,
        )
        self.tenants = stand.tenants(count, activated=True)
        self._in_turn = itertools.cycle(self._meet(customers_each))

    def _meet(self, each: int) -> list[Customer]:
        total, shops = len(self.tenants) * each, {tenant.tenant_id: tenant for tenant in self.tenants}
        sessions = [tenant.session for tenant in self.tenants]
        # Filed by their phones only: how a chat is addressed is not what is measured.
        load = {"customers": total, "messages": 1, "per_second": MET_PER_S, "seed": SEED, "lid_share": 0.0}
        self._control.post("/load", json={"sessions": sessions, **load}).raise_for_status()
        deadline = time.monotonic() + total / MET_PER_S + 60
        while len(chats := asyncio.run(self._chats())) < total:
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(chats)} of {total} customers were met in time")
            time.sleep(0.5)
        met = [Customer(shops[tenant], address.partition("@")[0], chat) for tenant, chat, address in chats]
        # One shop after the other, as the requests of many programs would come.
        return sorted(met, key=lambda customer: customer.phone)

    async def _chats(self) -> list[Any]:
        connection = await asyncpg.connect(self._stand.instance.postgres_superuser_dsn)
        try:
            return list(
                await connection.fetch("select tenant_id::text, id::text, external_chat_id from messaging.chats")
            )
        finally:
            await connection.close()

    def next_customer(self) -> Customer:
        """Return one after the other, over and over."""
        return next(self._in_turn)

    def mark(self) -> int:
        """Return how many calls WhatsApp's ledger holds."""
        return int(self._control.get("/state").json()["call_lines"])

    def accepted(self, texts: Sequence[str], since: int) -> list[float | None]:
        """Wait until WhatsApp has accepted these texts, or nothing more comes; return when each was (epoch seconds).

        `since` is the mark of the ledger from before they were sent.
        """
        places = {hash_of(text): place for place, text in enumerate(texts)}
        found: list[float | None] = [None] * len(texts)
        ends, quiet_at = time.monotonic() + MOST_S, time.monotonic() + QUIET_S
        while None in found and time.monotonic() < min(ends, quiet_at):
            lines = self._control.get("/ledger/calls", params={"since": since, "limit": MOST_LINES}).text.splitlines()
            since += len(lines)
            for call in map(json.loads, lines):
                for effect in call["effects"]:
                    place = places.get(effect.get("text_hash"))
                    if place is not None and effect["new"]:
                        found[place] = datetime.fromisoformat(call["started_at"]).timestamp() + call["seconds"]
                        quiet_at = time.monotonic() + QUIET_S
            if len(lines) < MOST_LINES:
                time.sleep(0.5)
        return found


def hash_of(text: str) -> str:
    """Return how the simulator's ledger names a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def outcome_of(per_s: float, posted: Sequence[Posted], accepted: Sequence[float | None], status: int) -> Outcome:
    """Join requests with what WhatsApp accepted; another answer than `status` is a refusal."""
    pairs = [(each.due, at) for each, at in zip(posted, accepted, strict=True) if at is not None]
    begins = posted[0].due
    return Outcome(
        per_s=per_s,
        due=[each.due for each in posted],
        heard=sorted(at for _, at in pairs),
        latencies=[at - due for due, at in pairs],
        begins=begins,
        ends=begins + len(posted) / per_s,
        refused=sum(each.status != status for each in posted),
    )


def figures_of(
    stand: Stand, outcome: Outcome, posted: Sequence[Posted], cpu_before: Mapping[str, float]
) -> dict[str, Any]:
    """Return one step by the names of the table: milliseconds from due to accepted, `answer` from due to the HTTP answer."""
    made = max(len(outcome.latencies), 1)
    took_s = max(outcome.heard, default=outcome.ends) - outcome.begins
    answered = [each.answered - each.due for each in posted if each.status]
    return {
        "per_s": round(outcome.per_s, 1),
        "accepted_per_s": round(len(outcome.latencies) / took_s, 1),
        **outcome.latency,
        "answer": percentiles(answered, len(posted) - len(answered)),
        "requests": len(posted),
        "missing": outcome.missing,
        "refused": outcome.refused,
        "cpu_s_per_1000": {
            name: round(1000 * (used - cpu_before.get(name, 0.0)) / made, 3)
            for name, used in sorted(stand.cpu().items())
        },
        "why_not": outcome.why_not(),
    }
