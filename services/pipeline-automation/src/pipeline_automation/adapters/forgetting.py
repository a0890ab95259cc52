"""Deleting what nobody needs any more: executions after 90 or 7 days, trigger events after 7 or beyond 2,000, the feed after 30."""

import asyncio

from outbox.regularly import regularly
from outbox.work import Works

EVERY_S = 600.0
MOST_TRIGGER_EVENTS = 2000
AT_ONCE = 5000
DAYS_OF_FEED = "select keep_feed_days(30)"

TENANTS = "select tenants_to_tidy($1)::text as tenant_id"
TENANTS_WITH_EVENTS = "select tenants_with_many_trigger_events($1)::text as tenant_id"

# One statement for each table: the oldest go first, as many as one transaction bears.
DELETE = (
    """delete from rule_executions where (tenant_id, rule_id, event_id) in (select tenant_id, rule_id, event_id
        from rule_executions where tenant_id = any($1::uuid[]) and keep_until < $2 limit $3)""",
    """delete from rule_messages where (tenant_id, id) in (select tenant_id, id
        from rule_messages where tenant_id = any($1::uuid[]) and keep_until < $2 limit $3)""",
    """delete from trigger_events where (tenant_id, id) in (select tenant_id, id
        from trigger_events where tenant_id = any($1::uuid[]) and keep_until < $2 limit $3)""",
    """delete from waiting_triggers where (tenant_id, event_id) in (select tenant_id, event_id
        from waiting_triggers where tenant_id = any($1::uuid[]) and keep_until < $2 limit $3)""",
    """delete from chat_pauses where (tenant_id, chat_key) in (select tenant_id, chat_key
        from chat_pauses where tenant_id = any($1::uuid[]) and keep_until < $2 limit $3)""",
    """delete from budget_notices where (tenant_id, rule_id, contact_id) in (select tenant_id, rule_id, contact_id
        from budget_notices where tenant_id = any($1::uuid[]) and keep_until < $2 limit $3)""",
)

DELETE_SURPLUS = """
delete from trigger_events t using (
    select tenant_id, id, row_number() over (partition by tenant_id, project_id order by id desc) as place
    from trigger_events where tenant_id = any($1::uuid[])
) s
where s.place > $2 and t.tenant_id = s.tenant_id and t.id = s.id
"""


class Forgetting:
    """A kernel Role: forgets every ten minutes."""

    name = "forgetting"

    def __init__(self, works: Works) -> None:
        self._works = works

    async def run(self, stopping: asyncio.Event) -> None:
        """Forget until told to stop."""
        await regularly(self.name, self.run_once, stopping, every_s=EVERY_S)

    async def run_once(self) -> int:
        """Delete what is due now, tenants together, until nothing is; return how many rows went."""
        now = self._works.clock()
        async with self._works.begin([]) as work:
            await work.connection.execute(DAYS_OF_FEED)
        gone = 0
        while tenants := await self._tenants(TENANTS, now):
            deleted = 0
            async with self._works.begin(tenants) as work:
                for statement in DELETE:
                    deleted += _count(await work.connection.execute(statement, tenants, now, AT_ONCE))
            gone += deleted
            if not deleted:
                break
        crowded = await self._tenants(TENANTS_WITH_EVENTS, MOST_TRIGGER_EVENTS)
        if crowded:
            async with self._works.begin(crowded) as work:
                gone += _count(await work.connection.execute(DELETE_SURPLUS, crowded, MOST_TRIGGER_EVENTS))
        return gone

    async def _tenants(self, question: str, argument: object) -> list[str]:
        async with self._works.begin([]) as work:
            return [row["tenant_id"] for row in await work.connection.fetch(question, argument)]


def _count(command: str) -> int:
    return int(command.rpartition(" ")[2])
