"""The demo: a tenant of its own, a WhatsApp conversation through the whole system, and what happened as a timeline with times."""

import asyncio
import json
import secrets
import time
from typing import Any

from local_stack.demo_hearing import Heard, hearing
from local_stack.demo_product import Product
from local_stack.demo_whatsapp import Customer, WhatsApp
from local_stack.files import read_json, write_private_json
from local_stack.instances import Instance
from local_stack.process_table import url
from local_stack.progress import CannotContinue, say, step
from local_stack.stack import up

WITHIN_S = 30.0

RECEIVED, STORED = "channel.message_received.v1", "message.received.v1"
STEPS = (
    ("webhook accepted", RECEIVED, "channel-gateway keeps the delivery and answers 200"),
    ("contact met", "contact.created.v1", "contact finds or meets the person"),
    ("session started", "session.started.v1", "session opens an attendance of the chat"),
    ("message stored", STORED, "messaging stores the message in its chat"),
)
"""What becomes of the first message of somebody new: the event that tells of each step."""


def play(instance: Instance) -> int:
    """Start everything, play the conversation, print the timeline and how to go on; return the exit code."""
    up(instance)
    path = instance.folder.with_name(f"{instance.name}.json")
    kept = read_json(path)
    with step("making a demo tenant and its WhatsApp channel"):
        product, facts = _tenant(instance, kept if isinstance(kept, dict) else {})
        whatsapp = _channel(instance, product, facts)
    with step("playing a WhatsApp conversation"):
        timeline = asyncio.run(_conversation(instance, whatsapp))
    written = {**facts, "timeline": timeline}
    write_private_json(path, written)
    _print(written, product)
    return 0


def _tenant(instance: Instance, kept: dict[str, Any]) -> tuple[Product, dict[str, Any]]:
    """Sign in with what an earlier demo left, or register anew."""
    gateway = url(instance, "gateway")
    product = Product(gateway)
    if kept.get("gateway_url") == gateway and product.knows(str(kept.get("api_key", ""))):
        return product, {name: value for name, value in kept.items() if name != "timeline"}
    email, password = f"demo-{time.time_ns() // 1_000_000}@ventros.example", secrets.token_urlsafe(18)
    key = product.register(email, password)
    return product, {
        "gateway_url": gateway,
        "docs_url": f"{gateway}/docs",
        "email": email,
        "password": password,
        "api_key": key,
    }


def _channel(instance: Instance, product: Product, facts: dict[str, Any]) -> WhatsApp:
    """Connect a WhatsApp number, unless an earlier demo's still stands on both sides."""
    whatsapp = WhatsApp(
        url(instance, "simulator"), url(instance, "simulator_metrics"), instance.secrets["waha_api_key"],
        instance.secrets["simulator_control_key"],
    )  # fmt: skip
    session = facts.get("whatsapp_session")
    if session and whatsapp.has(session) and product.has_channel(facts["channel_id"]):
        whatsapp.session = session
        return whatsapp
    session = f"demo-{time.time_ns() // 1_000_000}"
    channel = product.connect_channel(url(instance, "simulator"), instance.secrets["waha_api_key"], session)
    webhook = f"{url(instance, 'channel_gateway')}/api/v1/webhooks/{channel['webhook_id']}"
    whatsapp.open(session, webhook, channel["webhook_secret"])
    facts |= {"channel_id": channel["id"], "whatsapp_session": session}
    return whatsapp


async def _conversation(instance: Instance, whatsapp: WhatsApp) -> list[dict[str, Any]]:
    """Let people write; return the steps of the first message with their times, each once."""
    ana, bruno = _somebody("Ana Souza", "11"), _somebody("Bruno Lima", "21")
    async with hearing(instance.rabbitmq_url) as heard:
        written_at = time.time()
        first = await asyncio.to_thread(
            whatsapp.customer_writes, ana, "Hi! Do you still have the blue one in size 40? 👟"
        )
        await _until_stored(heard, first)
        replies = [
            await asyncio.to_thread(whatsapp.owner_writes, ana, "Hello Ana! Yes, two pairs left."),
            await asyncio.to_thread(whatsapp.customer_writes, ana, "Great, please keep one for me."),
            await asyncio.to_thread(whatsapp.customer_writes, bruno, "Bom dia, vocês abrem no sábado?"),
        ]
        for message_id in replies:
            await _until_stored(heard, message_id)
        return _timeline(heard, first, written_at)


async def _until_stored(heard: Heard, message_id: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not heard.stored(message_id):
        if time.monotonic() > deadline:
            raise CannotContinue(
                f"The message did not come through within {WITHIN_S:.0f} s: look at `make status` and `make logs`."
            )
        await asyncio.sleep(0.02)


def _timeline(heard: Heard, message_id: str, written_at: float) -> list[dict[str, Any]]:
    """Return each step of one message, found by its correlation id: when, how long after it was written, what did it."""
    (received,) = heard.about(RECEIVED, message_id)
    steps = [{"step": "customer wrote", "at": written_at, "by": "the WAHA simulator posts a signed webhook"}]
    for name, event_type, by in STEPS:
        events = heard.caused_by(received.correlation_id, event_type)
        if len(events) != 1:
            raise CannotContinue(f"Step {name!r} happened {len(events)} times instead of once: please report this.")
        steps.append({"step": name, "at": events[0].said_at, "by": by, "event_id": events[0].id})
    (stored,) = heard.caused_by(received.correlation_id, STORED)
    steps.append({"step": "heard by a subscriber", "at": stored.heard_at, "by": f"anybody who subscribed to {STORED}"})
    return [{**each, "ms": round((float(str(each["at"])) - written_at) * 1000)} for each in steps]


def _somebody(name: str, area: str) -> Customer:
    """Return a customer nobody has met: each demo shows a first meeting."""
    number = secrets.randbelow(9_000_000) + 1_000_000
    return Customer(f"55{area}9{number:08}", f"217{number:012}", name)


def _print(facts: dict[str, Any], product: Product) -> None:
    say("\nWhat became of Ana's first message:")
    for each in facts["timeline"]:
        say(f"  {each['ms']:>6} ms  {each['step']:<22} {each['by']}")
    counts = product.counts()
    say(
        f"\nStored so far: {counts['contacts']} contacts, {counts['sessions']} sessions, {counts['messages']} messages."
    )
    say(
        f"\nGateway   {facts['gateway_url']}\nAPI docs  {facts['docs_url']}\nLogin     {facts['email']}  {facts['password']}"
    )
    say(f"API key   {facts['api_key']}\n\nTry:")
    for line in curl_lines(facts):
        say(f"  {line}")
    say("\nEverything stays running: `make status`, `make logs`, `make down`.")


def curl_lines(facts: dict[str, Any]) -> list[str]:
    """Return three lines to paste."""
    header, base = f"-H 'X-API-Key: {facts['api_key']}'", f"{facts['gateway_url']}/api/v1/crm"
    body = json.dumps({"name": "Carla Dias", "phone": "+55 31 98888-0003"})
    return [
        f"curl -s {header} '{base}/contacts?limit=5'",
        f"curl -s {header} '{base}/messages?limit=5&sort=-timestamp'",
        f"curl -s {header} -H 'Content-Type: application/json' -H 'Idempotency-Key: demo-carla' -d '{body}' '{base}/contacts'",
    ]
