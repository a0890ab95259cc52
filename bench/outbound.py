"""Outbound: programs write to customers through the API, until WhatsApp (the simulator) has accepted what they wrote.

Each request is a POST of its own with an Idempotency-Key of its own, at a fixed rate, into the chats of many shops; pace is off
(SEND_PACE=false). The time counts from when a request was due until the simulator had made the message.
"""

from typing import Any

from kernel.ids import new_id
from open_loop import post_at
from search import climb
from shops import COLUMNS, Customer, Shops, figures_of, outcome_of
from stand import Stand
from tables import print_rows

SHOPS, CUSTOMERS_EACH, CONNECTIONS = 20, 50, 64
SECONDS, FROM_PER_S, TO_PER_S = 20.0, 20.0, 1000.0
ACCEPTED = 202


def measure(stand: Stand) -> dict[str, Any]:
    """Return the highest rate that holds and its figures, by the names of the table."""
    stand.fresh(SEND_PACE="false")
    shops = Shops(stand, SHOPS, CUSTOMERS_EACH)
    write(stand, shops, 20, 3)  # plans, caches, connections, reserved ids
    found = climb(lambda per_s: write(stand, shops, per_s, SECONDS), FROM_PER_S, TO_PER_S)
    print_rows(found["steps"], *COLUMNS)
    return found


def write(stand: Stand, shops: Shops, per_s: float, seconds: float) -> dict[str, Any]:
    """Send so many texts a second for so long; return what became of them and what they cost."""
    customers = [shops.next_customer() for _ in range(int(per_s * seconds))]
    texts = [f"Your order {new_id()} is on its way." for _ in customers]
    requests = [_request(customer, text) for customer, text in zip(customers, texts, strict=True)]
    before, mark = stand.cpu(), shops.mark()
    posted = post_at(stand.instance.ports["gateway"], requests, per_s, CONNECTIONS)
    return figures_of(stand, outcome_of(per_s, posted, shops.accepted(texts, mark), ACCEPTED), posted, before)


def _request(customer: Customer, text: str) -> bytes:
    body = f'{{"chat_id":"{customer.chat_id}","content_type":"text","text":"{text}"}}'.encode()
    head = (
        "POST /api/v1/crm/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-API-Key: {customer.shop.api_key}\r\nIdempotency-Key: {new_id()}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
