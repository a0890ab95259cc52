"""What is to be sent next is found among what waits, however much was sent before."""

import json
from typing import Any

import pytest
from channel_gateway.adapters.send_queue_in_postgres import HEADS

SENT = """
insert into channel_gateway.send_attempts (tenant_id, project_id, message_id, channel_id, chat_key, external_chat_id, content_type,
    priority, queued_at, expires_at, heard_id, correlation_id, actor, hop, state, ended_at, text,
    provider_id, evidence)
select $1, gen_random_uuid(), gen_random_uuid(), $2, $2::uuid || n::text, n || '@c.us', 'text', 1, now(), now() + interval '1 hour',
    gen_random_uuid(), gen_random_uuid(), 'user:1', 0, $3::text, case $3::text when 'accepted' then now() end,
    case $3::text when 'pending' then 'hello' end,
    case $3::text when 'accepted' then n::text end, case $3::text when 'accepted' then 'answer' end
from generate_series(1, $4::int) n
"""


@pytest.mark.parametrize("analysed_at", [20, 200, 2000])
async def test_looking_for_the_next_sends_of_a_channel_reads_nothing_that_has_ended(
    gateway: Any, analysed_at: int
) -> None:
    channel = await gateway.connect()
    keys = channel.tenant.tenant_id, channel.id
    # Plans are kept: what was known when one was made says nothing of how much there is now.
    await gateway.administrator.execute(SENT, *keys, "accepted", analysed_at)
    await gateway.administrator.execute("vacuum analyze channel_gateway.send_attempts")
    await gateway.administrator.execute(SENT, *keys, "pending", 20)
    async with gateway.assembly.works.begin([keys[0]]) as work:
        values = ", ".join(f"'{{{value}}}'" for value in (*keys, 8, 8, 8, "true"))
        await work.connection.execute(f"prepare heads as {HEADS}")
        rows = await work.connection.fetch(f"explain (analyze, buffers, format json) execute heads ({values})")
        await work.connection.execute("deallocate heads")
    (told,) = json.loads(rows[0][0])
    used = set(_indexes(told["Plan"]))
    assert told["Plan"]["Actual Rows"] == 8
    assert "sends_newest" not in used and "send_attempts_pkey" not in used, used
    assert "sends_open_in_chat" in used, used


def _indexes(plan: dict[str, Any]) -> list[str]:
    own = [plan["Index Name"]] if "Index Name" in plan else []
    return own + [name for inner in plan.get("Plans", ()) for name in _indexes(inner)]
