"""What the webhook door answers, and what it leaves behind."""

from typing import Any


async def test_a_genuine_message_is_stored_with_its_event_and_answered(gateway: Any, text_of: Any) -> None:
    channel = await gateway.connect()
    body = text_of("hello there")
    answer = await gateway.post(channel, body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told.pop("message")
    (delivery,) = await gateway.rows("select * from channel_gateway.inbound_deliveries")
    assert told == {
        "status": "queued",
        "event_id": str(delivery["id"]),
        "webhook_id": channel.webhook_id,
        "channel_id": channel.id,
        "session": "shop",
    }
    assert delivery["state"] == "applied"
    (event,) = await gateway.said()
    assert event["data"]["content"] == {"type": "text", "text": "hello there"}
