"""Raw deliveries and the keys that recognise their repeats, set by set."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from postgres.database import Connection
from postgres.listing import Listing

from channel_gateway.application.work import Activity, Key
from channel_gateway.domain.delivery import Delivery, State

# Sorted, so that two processes with the same keys wait for each other instead of deadlocking.
MEET = """
insert into delivery_keys (tenant_id, channel_id, dedupe_key, received_at)
select tenant_id, channel_id, dedupe_key, received_at
from unnest($1::met_delivery[])
order by tenant_id, channel_id, dedupe_key
on conflict do nothing
returning tenant_id::text, channel_id::text, dedupe_key
"""

_COUNT = """
update channel_activity as a set
    messages_received = a.messages_received + s.received,
    messages_sent = a.messages_sent + s.sent,
    last_message_at = greatest(a.last_message_at, s.message_at),
    last_event_at = greatest(a.last_event_at, s.event_at)
from (
    select held.tenant_id, held.channel_id, n.received, n.sent, n.message_at, n.event_at
    from unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::timestamptz[], $6::timestamptz[])
        as n (tenant_id, channel_id, received, sent, message_at, event_at)
    join channel_activity as held using (tenant_id, channel_id)
    order by held.tenant_id, held.channel_id for update of held
) as s
where a.tenant_id = s.tenant_id and a.channel_id = s.channel_id
"""

# A delivery whose commit was not heard of is written again under its id: once is enough.
KEEP = f"""
with counted as ({_COUNT} returning 1)
insert into inbound_deliveries (tenant_id, id, project_id, channel_id, webhook_id, received_at, state, reason,
    provider_event, provider_event_id, provider_session, engine, dedupe_key, headers, raw)
select tenant_id, id, project_id, channel_id, webhook_id, received_at, state, reason,
    provider_event, provider_event_id, provider_session, engine, dedupe_key, headers, raw
from unnest($7::kept_delivery[])
on conflict do nothing
"""

DECIDE = "update inbound_deliveries set state = $3, reason = $4 where tenant_id = $1 and id = $2"

LISTING = Listing(
    select=(
        "select id, received_at, provider_event, provider_event_id, state, reason, octet_length(raw) as size"
        " from inbound_deliveries where tenant_id = $1 and channel_id = $2"
    ),
    sorts={"received_at": "received_at timestamptz"},
    filters={
        "state": "state = any({}::text[])",
        "provider_event": "provider_event = any({}::text[])",
        "received_after": "received_at >= {}",
        "received_before": "received_at < {}",
    },
)

_encode = msgspec.json.Encoder().encode


class DeliveriesInPostgres:
    """The delivery tables inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def meet(self, keys: Sequence[tuple[Key, datetime]]) -> set[Key]:
        """Remember keys; return those that were new."""
        rows = await self._connection.fetch(MEET, [(*key, received_at) for key, received_at in keys])
        return {(row[0], row[1], row[2]) for row in rows}

    async def keep(self, deliveries: Sequence[tuple[Delivery, State, str | None]], active: Sequence[Activity]) -> None:
        """Store raw deliveries, each with its state and reason, and count for their channels."""
        await self._connection.execute(KEEP, *_columns_of(active), [_kept(*each) for each in deliveries])

    async def decide(self, delivery: Delivery, state: State, reason: str | None) -> None:
        """Set the state of a delivery that was parked, if its row is still there."""
        await self._connection.execute(DECIDE, delivery.channel.tenant_id, delivery.id, state, reason)

    async def count(self, active: Sequence[Activity]) -> None:
        """Count for channels."""
        await self._connection.execute(_COUNT, *_columns_of(active))


def _columns_of(active: Sequence[Activity]) -> tuple[list[object], ...]:
    return (
        [each.tenant_id for each in active],
        [each.channel_id for each in active],
        [each.messages_received for each in active],
        [each.messages_sent for each in active],
        [each.last_message_at for each in active],
        [each.last_event_at for each in active],
    )


def _kept(delivery: Delivery, state: State, reason: str | None) -> tuple[Any, ...]:
    """Return the fields of the type kept_delivery."""
    channel = delivery.channel
    return (
        channel.tenant_id,
        delivery.id,
        channel.project_id,
        channel.id,
        channel.webhook_id,
        delivery.received_at,
        state,
        reason,
        delivery.event,
        delivery.event_id,
        delivery.session,
        delivery.engine,
        delivery.inbound.dedupe_key,
        _encode(delivery.headers).decode(),
        delivery.raw,
    )
