"""Which provider sessions have to be looked at, and when."""

from collections.abc import Sequence
from typing import Any

from kernel.cause import Cause
from kernel.errors import DomainError
from kernel.ids import new_id
from postgres.database import Connection

from channel_gateway.adapters.vault import Sealed, Vault
from channel_gateway.application.checks import Check, Purpose
from channel_gateway.application.messenger import Server, Webhook

ASK = """
insert into channel_checks as k (tenant_id, channel_id, purpose, verify_webhook, correlation_id, actor)
values ($1, $2, $3, $4, $5, $6)
on conflict (tenant_id, channel_id) do update set purpose = excluded.purpose, verify_webhook = excluded.verify_webhook,
    correlation_id = excluded.correlation_id, actor = excluded.actor, due_at = now(), since = now(), tries = 0, failures = 0,
    restarted = false, configured_at = null
"""
WATCH = """
insert into channel_checks (tenant_id, channel_id, purpose, correlation_id, actor)
select tenant_id, channel_id, 'watch', correlation_id, 'system:channel-gateway'
from unnest($1::uuid[], $2::uuid[], $3::text[]) as lost (tenant_id, channel_id, correlation_id)
order by tenant_id, channel_id
on conflict do nothing
"""
ENSURE = """
insert into channel_checks (tenant_id, channel_id, purpose, correlation_id, actor)
select c.tenant_id, c.id, 'activate', n.correlation_id, n.actor
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as n (tenant_id, channel_id, correlation_id, actor)
join channels c on c.tenant_id = n.tenant_id and c.id = n.channel_id and c.status = 'activating' and c.deleted_at is null
order by c.tenant_id, c.id
on conflict do nothing
"""
TAKE = """
update channel_checks k set due_at = now() + make_interval(secs => $3), tries = k.tries + 1
from (
    select d.tenant_id, d.channel_id
    from unnest($1::uuid[], $2::uuid[]) as n (tenant_id, channel_id)
    join channel_checks d on d.tenant_id = n.tenant_id and d.channel_id = n.channel_id and d.due_at <= now()
    order by d.tenant_id, d.channel_id for update of d skip locked
) d
where k.tenant_id = d.tenant_id and k.channel_id = d.channel_id
returning k.tenant_id::text, k.channel_id::text, k.purpose, k.since, k.tries, k.failures, k.restarted, k.verify_webhook, k.configured_at,
    k.correlation_id, k.actor, now() as now
"""
AROUND = """
select c.tenant_id::text, c.id::text, c.base_url, c.provider_session, c.webhook_id::text, c.status, a.last_event_at,
    k.id::text as key_row, k.key_id, k.nonce, k.ciphertext,
    w.id::text as webhook_row, w.key_id as webhook_key_id, w.nonce as webhook_nonce, w.ciphertext as webhook_ciphertext
from unnest($1::uuid[], $2::uuid[]) as n (tenant_id, channel_id)
join channels c on c.tenant_id = n.tenant_id and c.id = n.channel_id and c.deleted_at is null
join channel_activity a on a.tenant_id = c.tenant_id and a.channel_id = c.id
join credentials k on k.tenant_id = c.tenant_id and k.id = c.credential_id
join credentials w on w.tenant_id = c.tenant_id and w.id = c.webhook_credential_id
"""
# Only as long as it is still the check that was taken: a person's wish takes the place of an older one.
AGAIN = """
with configured as (
    update channels set webhook_configured_at = now(), webhook_active = true where tenant_id = $1 and id = $2 and $6
)
update channel_checks set due_at = now() + make_interval(secs => $4), restarted = restarted or $5,
    configured_at = case when $6 then now() else configured_at end, failures = case when $7 then failures + 1 else 0 end
where tenant_id = $1 and channel_id = $2 and since = $3
"""
STANDS = "select exists(select from channel_checks where tenant_id = $1 and channel_id = $2 and since = $3)"
NOTIFY = "select pg_notify('channel_gateway_work', 'checks')"
DONE = "delete from channel_checks where tenant_id = $1 and channel_id = $2 and since = $3 returning true"
ARRIVED = """
delete from channel_checks k using (
    select d.tenant_id, d.channel_id
    from unnest($1::uuid[], $2::uuid[]) as n (tenant_id, channel_id)
    join channel_checks d on d.tenant_id = n.tenant_id and d.channel_id = n.channel_id and d.purpose <> 'stop'
    order by d.tenant_id, d.channel_id for update of d
) d
where k.tenant_id = d.tenant_id and k.channel_id = d.channel_id
"""


class ChannelChecksInPostgres:
    """The rows that say what is due, inside one transaction."""

    def __init__(self, connection: Connection, vault: Vault, webhook_base_url: str) -> None:
        self._connection = connection
        self._vault = vault
        self._webhook_base_url = webhook_base_url

    async def ask(self, key: tuple[str, str], purpose: Purpose, by: Cause, *, verify_webhook: bool = False) -> None:
        """Have a channel's session looked at soon: a person's wish takes the place of what was there."""
        await self._connection.execute(ASK, *key, purpose, verify_webhook, by.correlation_id, by.actor)
        await self._connection.execute(NOTIFY)

    async def watch(self, channels: Sequence[tuple[str, str]]) -> None:
        """Have the sessions of these (tenant, channel) looked after, unless somebody looks at them already."""
        tenants, ids = [tenant_id for tenant_id, _ in channels], [channel_id for _, channel_id in channels]
        await self._connection.execute(WATCH, tenants, ids, [new_id() for _ in channels])
        await self._connection.execute(NOTIFY)

    async def ensure(self, asked: Sequence[Cause], channels: Sequence[str]) -> None:
        """Have channels that are being activated looked at, unless they are already."""
        await self._connection.execute(
            ENSURE,
            [each.tenant_id for each in asked],
            list(channels),
            [each.correlation_id for each in asked],
            [each.actor for each in asked],
        )
        await self._connection.execute(NOTIFY)

    async def around(self, key: tuple[str, str]) -> tuple[Server, Webhook]:
        """Return where a living channel's provider is, and how it reaches us. Raises not_found."""
        row = await self._connection.fetchrow(AROUND, [key[0]], [key[1]])
        if row is None:
            raise DomainError("not_found", "there is no such channel")
        return self._server(row), self._webhook(row)

    async def take(self, channels: Sequence[tuple[str, str]], again_s: float) -> Sequence[Check]:
        """Return what is due of these (tenant, channel); unless something is stored, again later."""
        tenants, ids = [tenant_id for tenant_id, _ in channels], [channel_id for _, channel_id in channels]
        taken = await self._connection.fetch(TAKE, tenants, ids, again_s)
        found = await self._connection.fetch(AROUND, [row[0] for row in taken], [row[1] for row in taken])
        around = {(row[0], row[1]): row for row in found}
        return [self._check(row, around.get((row[0], row[1]))) for row in taken]

    async def again(
        self, check: Check, seconds: float, *, restarted: bool = False, configured: bool = False, failed: bool = False
    ) -> None:
        """Look again later, noting what was done."""
        await self._connection.execute(AGAIN, *check.key, check.since, seconds, restarted, configured, failed)

    async def stands(self, check: Check) -> bool:
        """Tell whether it is still to be looked at: nothing has ended or replaced the check since it was taken."""
        return bool(await self._connection.fetchval(STANDS, *check.key, check.since))

    async def done(self, check: Check) -> bool:
        """Nothing is left to look at. False: there was nothing any more, or somebody has asked for something else."""
        return bool(await self._connection.fetchval(DONE, *check.key, check.since))

    async def arrived(self, channels: Sequence[tuple[str, str]]) -> None:
        """These (tenant, channel) work: whatever was done to get them there is over."""
        tenants, ids = [tenant_id for tenant_id, _ in channels], [channel_id for _, channel_id in channels]
        await self._connection.execute(ARRIVED, tenants, ids)

    def _check(self, row: Any, around: Any) -> Check:
        tenant_id, channel_id = row["tenant_id"], row["channel_id"]
        return Check(
            tenant_id=tenant_id,
            channel_id=channel_id,
            purpose=row["purpose"],
            status=None if around is None else around["status"],
            since=row["since"],
            tries=row["tries"],
            failures=row["failures"],
            restarted=row["restarted"],
            verify_webhook=row["verify_webhook"],
            configured_at=row["configured_at"],
            last_event_at=None if around is None else around["last_event_at"],
            now=row["now"],
            cause=Cause(tenant_id=tenant_id, actor=row["actor"], correlation_id=row["correlation_id"]),
            server=None if around is None else self._server(around),
            webhook=None if around is None else self._webhook(around),
        )

    def _server(self, row: Any) -> Server:
        sealed = Sealed(row["key_id"], row["nonce"], row["ciphertext"])
        key = self._vault.open(sealed, row["tenant_id"], row["key_row"])
        return Server(row["base_url"], row["provider_session"], key)

    def _webhook(self, row: Any) -> Webhook:
        sealed = Sealed(row["webhook_key_id"], row["webhook_nonce"], row["webhook_ciphertext"])
        key = self._vault.open(sealed, row["tenant_id"], row["webhook_row"])
        return Webhook(row["id"], f"{self._webhook_base_url}/api/v1/webhooks/{row['webhook_id']}", key)
