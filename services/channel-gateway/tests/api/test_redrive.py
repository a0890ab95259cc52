"""A parked delivery is translated again when somebody asks for it, and applied once."""

import json
from datetime import datetime
from typing import Any

import pytest
from channel_gateway.adapters.waha.webhooks import WahaWebhooks
from channel_gateway.domain.delivery import Delivery
from channel_gateway.domain.inbound import Untranslatable
from channel_gateway.domain.receiving_channel import ReceivingChannel


class Learning(WahaWebhooks):
    """A translator that does not know everything yet."""

    knows = False

    def delivery(self, delivery_id: str, channel: ReceivingChannel, **more: Any) -> Delivery:
        found = super().delivery(delivery_id, channel, **more)
        return found if self.knows else found._replace(inbound=Untranslatable("not_learnt"))


@pytest.fixture
async def learning(gateways: Any) -> Any:
    provider = Learning()
    gateway = await gateways.make(provider=provider)
    gateway.provider = provider
    return gateway


async def parked(gateway: Any, channel: Any) -> list[dict[str, Any]]:
    answer = await gateway.ask(channel.tenant, "GET", "/parked-events/channel-gateway")
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_what_is_parked_is_listed_and_redriven_once_the_translator_knows_better(
    learning: Any, text_of: Any
) -> None:
    channel = await learning.connect()
    body = text_of("hello")
    told = (await learning.post(channel, body)).json()
    (waiting,) = await parked(learning, channel)
    assert (waiting["consumer"], waiting["reason"]) == ("webhook", "untranslatable")
    assert (waiting["delivery_id"], waiting["subject"]) == (told["event_id"], channel.id)
    assert waiting["error"].startswith("not_learnt")
    path = f"/parked-events/channel-gateway/{waiting['id']}"
    shown = (await learning.ask(channel.tenant, "GET", path)).json()
    assert shown["event"] == body
    again = await learning.ask(channel.tenant, "POST", f"{path}/redrive")
    assert (again.status_code, again.json()["code"]) == (422, "rule_violated")
    assert [(each["status"], each["attempts"]) for each in await parked(learning, channel)] == [("parked", 2)]
    learning.provider.knows = True
    done = await learning.ask(channel.tenant, "POST", f"{path}/redrive")
    assert (done.status_code, done.json()["status"]) == (200, "redriven"), done.text
    assert await learning.states(channel) == ["applied"]
    (event,) = await learning.said()
    assert event["data"]["content"]["text"] == "hello"
    assert event["correlationid"] == told["event_id"]
    (kept,) = await learning.rows("select received_at from channel_gateway.inbound_deliveries")
    late_by = datetime.fromisoformat(event["data"]["received_at"]) - kept["received_at"]
    assert abs(late_by.total_seconds()) < 1
    twice = await learning.ask(channel.tenant, "POST", f"{path}/redrive")
    assert (twice.status_code, twice.json()["code"]) == (409, "invalid_state")
    (activity,) = await learning.rows("select messages_received from channel_gateway.channel_activity")
    assert activity["messages_received"] == 1


async def test_of_two_parked_repeats_one_is_applied(learning: Any, text_of: Any) -> None:
    channel = await learning.connect()
    for _ in range(2):
        await learning.post(channel, text_of("hello"))
    learning.provider.knows = True
    for each in await parked(learning, channel):
        answer = await learning.ask(channel.tenant, "POST", f"/parked-events/channel-gateway/{each['id']}/redrive")
        assert answer.json()["status"] == "redriven"
    assert sorted(await learning.states(channel)) == ["applied", "duplicate"]
    assert len(await learning.said()) == 1
    assert (await learning.post(channel, text_of("hello"))).json()["status"] == "duplicate"


async def test_what_outlived_its_raw_row_is_redriven_from_its_own_bytes(learning: Any, text_of: Any) -> None:
    channel = await learning.connect()
    await learning.post(channel, text_of("hello"))
    await learning.rows("delete from channel_gateway.inbound_deliveries")
    learning.provider.knows = True
    (waiting,) = await parked(learning, channel)
    await learning.ask(channel.tenant, "POST", f"/parked-events/channel-gateway/{waiting['id']}/redrive")
    assert len(await learning.said()) == 1


async def test_what_came_for_a_channel_that_is_gone_stays_parked(learning: Any, text_of: Any) -> None:
    channel = await learning.connect()
    await learning.post(channel, text_of("hello"))
    await learning.ask(channel.tenant, "DELETE", f"/crm/channels/{channel.id}")
    learning.provider.knows = True
    (waiting,) = await parked(learning, channel)
    answer = await learning.ask(channel.tenant, "POST", f"/parked-events/channel-gateway/{waiting['id']}/redrive")
    assert answer.status_code == 422
    assert [each["status"] for each in await parked(learning, channel)] == ["parked"]


async def test_an_event_that_no_wire_holds_stays_parked_however_often_it_is_redriven(
    gateway: Any, text_of: Any
) -> None:
    channel = await gateway.connect()
    await gateway.post(channel, text_of("\U0001f642" * 65_536))
    (waiting,) = await parked(gateway, channel)
    assert waiting["reason"] == "poison"
    answer = await gateway.ask(channel.tenant, "POST", f"/parked-events/channel-gateway/{waiting['id']}/redrive")
    assert answer.status_code == 422
    assert await gateway.said() == []
    assert await gateway.rows("select from channel_gateway.delivery_keys") == []


async def test_parked_deliveries_of_another_tenant_cannot_be_seen_or_redriven(gateway: Any, tenant_of: Any) -> None:
    channel = await gateway.connect()
    await gateway.post(channel, {"event": "message.any", "payload": None})
    (waiting,) = await parked(gateway, channel)
    stranger = tenant_of()
    listed = await gateway.ask(stranger, "GET", "/parked-events/channel-gateway")
    assert listed.json()["data"] == []
    path = f"/parked-events/channel-gateway/{waiting['id']}"
    for method, place, more in (
        ("GET", path, {}),
        ("POST", f"{path}/redrive", {}),
        ("POST", f"{path}/discard", {"json": {"reason": "x"}}),
    ):
        assert (await gateway.ask(stranger, method, place, **more)).status_code == 404
    discarded = await gateway.ask(channel.tenant, "POST", f"{path}/discard", json={"reason": "noise"})
    assert discarded.json()["status"] == "discarded"
    assert json.loads(json.dumps(discarded.json()))["discard_reason"] == "noise"
