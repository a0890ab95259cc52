"""Own messages that may be the echo of a send: held back, and let go once its outcome is known."""

from collections.abc import Sequence

from postgres.database import Connection

from channel_gateway.application.sends import Decided, HeldRow

# Addresses travel as one text each delivery: they hold no commas.
HOLD = """
insert into held_deliveries (tenant_id, delivery_id, channel_id, chats, held_until)
select tenant_id, delivery_id, channel_id, string_to_array(chats, ','), now() + make_interval(secs => $5)
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) as n (tenant_id, delivery_id, channel_id, chats)
order by tenant_id, delivery_id
on conflict do nothing
"""
TAKE = """
select h.tenant_id::text, h.delivery_id::text, h.channel_id::text, d.received_at, d.raw, h.chats, h.held_until <= now() as due
from unnest($1::uuid[], $2::uuid[]) as n (tenant_id, delivery_id)
join held_deliveries h on h.tenant_id = n.tenant_id and h.delivery_id = n.delivery_id
join inbound_deliveries d on d.tenant_id = h.tenant_id and d.id = h.delivery_id
order by h.tenant_id, h.delivery_id for update of h skip locked
"""
LET_GO = """
with gone as (
    delete from held_deliveries h using unnest($1::uuid[], $2::uuid[]) as n (tenant_id, delivery_id)
    where h.tenant_id = n.tenant_id and h.delivery_id = n.delivery_id
)
update inbound_deliveries d set state = n.state, reason = n.reason
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as n (tenant_id, id, state, reason)
where d.tenant_id = n.tenant_id and d.id = n.id
"""


class HeldDeliveriesInPostgres:
    """The held ones inside one transaction."""

    def __init__(self, connection: Connection, hold_s: float) -> None:
        """`hold_s`: how long one waits at most."""
        self._connection = connection
        self._hold_s = hold_s

    async def hold(self, held: Sequence[tuple[str, str, str, Sequence[str]]]) -> None:
        """Hold deliveries (tenant, channel, delivery, addresses of the chat) back."""
        await self._connection.execute(
            HOLD,
            [each[0] for each in held],
            [each[2] for each in held],
            [each[1] for each in held],
            [",".join(each[3]) for each in held],
            self._hold_s,
        )

    async def take(self, deliveries: Sequence[tuple[str, str]]) -> Sequence[HeldRow]:
        """Return what is held of these (tenant, delivery), which nobody else takes until the transaction ends."""
        tenants, ids = [tenant_id for tenant_id, _ in deliveries], [delivery_id for _, delivery_id in deliveries]
        return [HeldRow(*row) for row in await self._connection.fetch(TAKE, tenants, ids)]

    async def let_go(self, decided: Sequence[Decided]) -> None:
        """Store what has become of these, and hold them no longer."""
        await self._connection.execute(
            LET_GO,
            [each.tenant_id for each in decided],
            [each.delivery_id for each in decided],
            [each.state for each in decided],
            [each.reason for each in decided],
        )
