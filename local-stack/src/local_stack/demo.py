"""The demo: a tenant of its own, one WhatsApp conversation both ways as a timeline, and a crash in which nothing is lost."""

import asyncio
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from aio_pika.exceptions import AMQPError

from local_stack import demo_crash, demo_steps
from local_stack.demo_hearing import Heard, hearing
from local_stack.demo_product import TIMEOUT_MINUTES, Product
from local_stack.demo_steps import Known, Timeline
from local_stack.demo_telling import tell
from local_stack.demo_whatsapp import WhatsApp, somebody
from local_stack.files import read_json, write_private_json
from local_stack.instances import Instance
from local_stack.process_table import SIMULATOR, programs, url
from local_stack.progress import CannotContinue, say, step
from local_stack.stack import up
from local_stack.temporal_standing import Standing, standing

ACTIVE_WITHIN_S = 60.0
COUNTED_WITHIN_S = 30.0
NOTICED_WITHIN_S = 60.0  # after the deadline: a timekeeper sleeps 15 s at most
TICK_S = 10.0
QUESTION = "Hi! Do you still have the blue one in size 40? 👟"


def play(instance: Instance) -> int:
    """Start everything, play both scenes, print what happened and how to go on; return the exit code."""
    up(instance)
    if SIMULATOR not in {program.name for program in programs(instance)}:
        raise CannotContinue("The demo plays WhatsApp by the simulator: unset WAHA_BASE_URL and start again.")
    with needing_the_stack():
        facts = asyncio.run(_play(instance))
    tell(facts)
    return 0


@contextmanager
def needing_the_stack() -> Iterator[None]:
    """Say in words that something went away under the demo, stopped by somebody else perhaps."""
    try:
        yield
    except (httpx.TransportError, AMQPError) as gone:
        raise CannotContinue(
            f"Something stopped answering in the middle ({type(gone).__name__}): `make status` says what does not run, "
            "`make doctor` why; then repeat `make demo`."
        ) from gone


async def _play(instance: Instance) -> dict[str, Any]:
    path = instance.folder.with_name(f"{instance.name}.json")
    kept = read_json(path)
    product, facts = await asyncio.to_thread(_tenant, instance, kept if isinstance(kept, dict) else {})
    async with hearing(instance.rabbitmq_url) as heard:
        whatsapp = await _channel(instance, product, heard, facts)
        write_private_json(path, facts)
        if not facts.get("rule_id") or not await asyncio.to_thread(product.has_rule, facts["rule_id"]):
            facts["rule_id"] = await asyncio.to_thread(product.make_rule)
        write_private_json(path, facts)
        timeline = await _conversation(product, whatsapp, heard, facts)
        crash = await demo_crash.play(instance, whatsapp, heard)
        await _silence(instance, timeline)
        timeline.check_once()
    counts = {name: product.count(name) for name in ("contacts", "sessions", "messages")}
    facts |= {"timeline": timeline.told, "crash": crash.facts(), "stored": counts, "usage": product.usage()}
    write_private_json(path, facts)
    return facts


def _tenant(instance: Instance, kept: dict[str, Any]) -> tuple[Product, dict[str, Any]]:
    """Sign in with what an earlier demo left, or register anew."""
    gateway = url(instance, "gateway")
    product = Product(gateway)
    if kept.get("gateway_url") == gateway and product.knows(str(kept.get("api_key", ""))):
        return product, kept
    with step("making a demo tenant"):
        email, password = f"demo-{time.time_ns() // 1_000_000}@ventros.example", secrets.token_urlsafe(18)
        key = product.register(email, password)
    known = {"gateway_url": gateway, "docs_url": f"{gateway}/docs", "email": email, "password": password}
    return product, {**known, "api_key": key}


async def _channel(instance: Instance, product: Product, heard: Heard, facts: dict[str, Any]) -> WhatsApp:
    """Connect a WhatsApp number and make it work, unless an earlier demo's still does."""
    session = facts.get("whatsapp_session") or ""
    if await asyncio.to_thread(product.channel_status, facts.get("channel_id", "none")) == "":
        session = f"demo-{time.time_ns() // 1_000_000}"
        waha = url(instance, "simulator"), instance.secrets["waha_api_key"]
        facts["channel_id"] = await asyncio.to_thread(product.connect_channel, *waha, session)
        facts["whatsapp_session"] = session
    whatsapp = WhatsApp(
        url(instance, "simulator"),
        url(instance, "simulator_metrics"),
        instance.secrets["waha_api_key"],
        instance.secrets["simulator_control_key"],
        session,
    )
    if await asyncio.to_thread(product.channel_status, facts["channel_id"]) != "active":
        with step("connecting a WhatsApp number: the channel is activated, its code scanned"):
            await _activate(product, whatsapp, heard, facts["channel_id"])
    return whatsapp


async def _activate(product: Product, whatsapp: WhatsApp, heard: Heard, channel_id: str) -> None:
    def said(event: str) -> bool:
        return bool(heard.of(event, lambda each: each.data["channel_id"] == channel_id))

    await asyncio.to_thread(product.activate_channel, channel_id)
    scanned = asyncio.create_task(asyncio.to_thread(whatsapp.scan, ACTIVE_WITHIN_S))
    ended = await heard.until(
        lambda: said("channel.activated.v1") or said("channel.activation_failed.v1"), ACTIVE_WITHIN_S
    )
    await scanned
    if not said("channel.activated.v1"):
        failed = heard.of("channel.activation_failed.v1", lambda each: each.data["channel_id"] == channel_id)
        why = failed[-1].data["reason"] if ended and failed else f"nothing came of it within {ACTIVE_WITHIN_S:.0f} s"
        raise CannotContinue(f"The channel could not be activated ({why}): see `make logs SERVICE=channel-gateway`.")


async def _conversation(product: Product, whatsapp: WhatsApp, heard: Heard, facts: dict[str, Any]) -> Timeline:
    """Ana asks, the rule answers, she reads it; Bruno talks to the owner's phone."""
    ana, bruno = somebody("Ana Souza", "11"), somebody("Bruno Lima", "21")
    before = await asyncio.to_thread(product.usage)
    with step(f"{ana} asks for the blue one; a rule answers"):
        written_at = time.time()
        message_id = await asyncio.to_thread(whatsapp.customer_writes, ana, QUESTION)
        timeline = Timeline(heard, Known(message_id, facts["rule_id"]), written_at)
        timeline.tell("customer wrote", written_at, "the WAHA simulator posts a signed webhook")
        await timeline.follow(*demo_steps.TAKEN_IN, *demo_steps.ANSWERED)
        await asyncio.to_thread(whatsapp.customer_reads, ana)
        await timeline.follow(demo_steps.READ)
        await _counted(product, before, timeline)
    facts["chat_id"] = timeline.known.chat_id
    with step(f"{bruno} writes, and the owner answers from the phone"):
        for writes, text in (
            (whatsapp.customer_writes, "Bom dia, vocês abrem no sábado?"),
            (whatsapp.owner_writes, "Bom dia! Sim, das 9 às 14."),
        ):
            await _stored(heard, await asyncio.to_thread(writes, bruno, text))
    return timeline


async def _counted(product: Product, before: dict[str, int], timeline: Timeline) -> None:
    """One message in, one out and one rule more than before."""
    meters = ("messages_received", "messages_sent", "automations_run")
    deadline = time.monotonic() + COUNTED_WITHIN_S
    while True:
        used = await asyncio.to_thread(product.usage)
        if all(used.get(meter, 0) > before.get(meter, 0) for meter in meters):
            timeline.tell("usage counted", time.time(), "billing counts one message in, one out, one run of a rule")
            return
        if time.monotonic() > deadline:
            late = ", ".join(meter for meter in meters if used.get(meter, 0) <= before.get(meter, 0))
            raise CannotContinue(f"Billing did not count {late} within {COUNTED_WITHIN_S:.0f} s: see `make doctor`.")
        await asyncio.sleep(1.0)


async def _stored(heard: Heard, message_id: str) -> None:
    def stored() -> bool:
        return any(
            heard.of(event, lambda each: each.data.get("provider_message_id") == message_id)
            for event in (demo_steps.STORED, "message.sent.v1")
        )

    if not await heard.until(stored, demo_steps.WITHIN_S):
        raise CannotContinue(
            f"A message did not come through within {demo_steps.WITHIN_S:.0f} s: `make doctor` looks for the cause."
        )


async def _silence(instance: Instance, timeline: Timeline) -> None:
    """Wait until Ana's session ends by itself, and say what is waited for."""
    spoken = max(float(each["at"]) for each in timeline.told if each["step"] in ("customer wrote", "answer sent"))
    due = spoken + 60 * TIMEOUT_MINUTES
    latest = due + NOTICED_WITHIN_S
    while not await timeline.happens(demo_steps.ENDED, TICK_S):
        temporal = await asyncio.to_thread(standing, instance)
        if temporal.state == "missing":
            say(f"· Ana's session stays open: {temporal.words}")
            return
        if temporal.state == "coming":  # as long as that takes, which has a bound of its own
            latest = time.time() + NOTICED_WITHIN_S
        elif time.time() > latest:
            raise CannotContinue(timeline.missing(demo_steps.ENDED, time.time() - due))
        say(f"  … {_waited_for(due - time.time(), temporal)}")


def _waited_for(left_s: float, temporal: Standing) -> str:
    if left_s > 0:
        return f"Ana says nothing any more: her session ends after a minute of silence ({left_s:.0f} s left)"
    return temporal.words if temporal.state == "coming" else "the session's end is due; its timekeeper looks every 15 s"
