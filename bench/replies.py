"""Automation replies: a rule of every shop answers each text with a text of its own, until WhatsApp (the simulator) has accepted it.

Webhooks arrive at a fixed rate; pace is off (SEND_PACE=false). The time counts from when a webhook was due until the simulator had made
the answer: the whole line, the rule, the wish, the send. A rule that ran 1,000 times in a minute is switched off and a chat with 20
automated messages in ten minutes is left alone (`loop_guard.py`), so there are enough of both.
"""

import json
from datetime import UTC, datetime
from typing import Any

from kernel.ids import new_id
from mix import ME, signature
from open_loop import post_at
from search import climb
from shops import COLUMNS, Customer, Shops, figures_of, outcome_of
from stand import Stand
from tables import print_rows
from waha_simulator.payloads import Person, incoming_text

SHOPS, CUSTOMERS_EACH, CONNECTIONS = 30, 60, 64
SECONDS, FROM_PER_S, TO_PER_S = 20.0, 20.0, 500.0
ACCEPTED = 200
RULE: dict[str, Any] = {
    "name": "Answer everything",
    "expression": 'message.content_type == "text"',
    "actions": [{"action": "send_message", "parameters": {"content": "You wrote: {{ trigger.text }}"}}],
    "max_per_contact": {"count": 10_000, "hours": 1},
}


def measure(stand: Stand) -> dict[str, Any]:
    """Return the highest rate that holds and its figures, by the names of the table."""
    stand.fresh(SEND_PACE="false")
    shops = Shops(stand, SHOPS, CUSTOMERS_EACH)
    for tenant in shops.tenants:
        stand.rule(tenant, **RULE)
    ask(stand, shops, 20, 3)  # plans, caches, connections, reserved ids
    found = climb(lambda per_s: ask(stand, shops, per_s, SECONDS), FROM_PER_S, TO_PER_S)
    print_rows(found["steps"], *COLUMNS)
    return found


def ask(stand: Stand, shops: Shops, per_s: float, seconds: float) -> dict[str, Any]:
    """Let so many customers a second write for so long; return what became of the answers and what they cost."""
    customers = [shops.next_customer() for _ in range(int(per_s * seconds))]
    texts = [f"Question {new_id()}" for _ in customers]
    requests = [_request(customer, text) for customer, text in zip(customers, texts, strict=True)]
    before, mark = stand.cpu(), shops.mark()
    posted = post_at(stand.instance.ports["channel_gateway"], requests, per_s, CONNECTIONS)
    accepted = shops.accepted([f"You wrote: {text}" for text in texts], mark)
    return figures_of(stand, outcome_of(per_s, posted, accepted, ACCEPTED), posted, before)


def _request(customer: Customer, text: str) -> bytes:
    shop = customer.shop
    told = incoming_text(
        engine="GOWS",
        session=shop.session,
        me=ME,
        customer=Person(phone=customer.phone, name="Customer"),
        text=text,
        at=datetime.now(UTC),
        bare_id=f"3A{new_id().replace('-', '').upper()[-18:]}",
    )
    body = json.dumps(told, ensure_ascii=False).encode()
    head = (
        f"POST {shop.door} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Webhook-Hmac-Algorithm: sha512\r\nX-Webhook-Hmac: {signature(shop.webhook_secret.encode(), body)}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
