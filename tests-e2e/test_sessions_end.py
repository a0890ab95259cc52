"""A session ends at its deadline by itself, whoever is awake, and is counted as of that time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from local_stack.temporal_standing import standing
from product import Product
from testkit.eventually import eventually
from waha_simulator.payloads import Person

ANA = Person(phone="5511987650011", lid="217000000020001", name="Ana Souza")


async def test_a_session_ends_by_itself_at_its_deadline_and_a_rule_hears_of_it(product: Product) -> None:
    """She wrote 55 s ago, through a channel whose sessions end after a minute of silence."""
    temporal = standing(product.instance)
    if temporal.state == "missing":
        pytest.skip(temporal.words)
    shop = await product.shop(default_session_timeout_minutes=1)
    await shop.rule("session.ended", ("add_tag", {"tag": "went silent"}))
    wrote_at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=55)
    await shop.whatsapp.writes(ANA, "Alguém aí?", at=wrote_at.isoformat())

    async def ended() -> dict[str, Any] | None:
        return next((each for each in await shop.all("/crm/sessions") if each["status"] == "ended"), None)

    session = await eventually(ended, within_s=40, because="the session ends")
    assert session is not None
    assert (session["end_reason"], session["timeout_minutes"]) == ("inactivity_timeout", 1)
    assert datetime.fromisoformat(session["ended_at"]) == wrote_at + timedelta(minutes=1), (
        "the deadline, not the wake-up"
    )
    assert session["duration_seconds"] == 60
    assert (session["message_count"], session["messages_from_contact"], session["messages_from_agent"]) == (1, 1, 0)

    async def tagged() -> bool:
        return "went silent" in (await shop.ask("GET", f"/crm/contacts/{session['contact_id']}")).json()["tags"]

    await eventually(tagged, within_s=15, because="the rule heard of it")
    await shop.whatsapp.writes(ANA, "Voltei")

    async def both() -> bool:
        return sorted(each["status"] for each in await shop.all("/crm/sessions")) == ["active", "ended"]

    await eventually(both, within_s=15, because="who comes back begins a new session")
