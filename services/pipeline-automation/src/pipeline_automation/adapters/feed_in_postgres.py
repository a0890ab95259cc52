"""The feed in Postgres: a batch is one statement, and a look reads a bounded piece of it."""

from collections.abc import Sequence

from postgres.database import Connection

from pipeline_automation.application.feed import Look, Row
from pipeline_automation.domain.feed import Entry, Question

LOOKED_AT = 5000
"""How many entries one look goes through at most: a question that fits few of them is answered in several. One that picks none goes
through no more than it shows."""

APPEND = """
with turn as materialized (select take_feed_places(cardinality($1::uuid[])) as first)
insert into feed_entries (tenant_id, place, event_id, project_id, correlation_id, causation_id, contact_id, session_id, chat_id,
    channel_id, occurred_at, type, subject, actor, data)
select e.tenant_id, turn.first + e.position - 1, e.event_id, e.project_id, e.correlation_id, e.causation_id, e.contact_id,
    e.session_id, e.chat_id, e.channel_id, e.occurred_at, e.type, e.subject, e.actor, e.data
from turn cross join unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::uuid[],
        $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::text[]) with ordinality
    as e (tenant_id, event_id, project_id, correlation_id, causation_id, contact_id, session_id, chat_id, channel_id, occurred_at, type,
        subject, actor, data, position)
"""

SHOWN = """e.place, e.event_id::text as id, e.type, e.occurred_at, e.tenant_id::text, e.project_id::text, e.subject, e.actor,
    e.correlation_id::text, e.causation_id::text, e.data"""

LOOK = """
with looked as materialized (
    select f.place, coalesce(
        (f.type = any($4::text[]) or $4 is null) and ($5 or not starts_with(f.type, 'billing.')) and (f.project_id = $6 or $6 is null)
        and (f.subject = $7 or $7 is null) and (f.contact_id = $8 or $8 is null) and (f.session_id = $9 or $9 is null)
        and (f.chat_id = $10 or $10 is null) and (f.channel_id = $11 or $11 is null) and (f.correlation_id = $12 or $12 is null)
        and (f.occurred_at >= $13 or $13 is null) and (f.occurred_at < $14 or $14 is null), false) as wanted
    from feed_entries f where f.tenant_id = $1 and f.place > $2 order by f.place limit $15
), found as (
    select place from looked where wanted order by place limit $3
)
select (select count(*) from looked) as looked, (select max(place) from looked) as seen, SHOWN
from (values (true)) as one left join feed_entries e on e.tenant_id = $1 and e.place = any(array(select place from found))
order by e.place
""".replace("SHOWN", SHOWN)

LOOK_AT_CONTACT = LOOK.replace("f.place > $2", "f.place > $2 and f.contact_id = $8")

ENTRY = """
select SHOWN from feed_entries e
where e.tenant_id = $1 and e.event_id = $2 and ($3 or not starts_with(e.type, 'billing.')) and e.place > $4
order by e.place limit 1
""".replace("SHOWN", SHOWN)


class FeedInPostgres:
    """The feed, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def append(self, entries: Sequence[Entry]) -> None:
        """Give entries their places, in this order."""
        await self._connection.execute(APPEND, *zip(*entries, strict=True))

    async def look(self, question: Question) -> Look:
        """Return entries after a place, the oldest first."""
        asked = question
        most = LOOKED_AT if asked.picks else asked.limit + 1
        rows = await self._connection.fetch(
            LOOK if asked.contact_id is None else LOOK_AT_CONTACT,
            asked.tenant_id,
            asked.after,
            asked.limit + 1,
            asked.types,
            asked.bills,
            asked.project_id,
            asked.subject,
            asked.contact_id,
            asked.session_id,
            asked.chat_id,
            asked.channel_id,
            asked.correlation_id,
            asked.since,
            asked.until,
            most,
        )
        found = [row for row in rows if row["place"] is not None]
        if len(found) > asked.limit:
            return Look(found[:-1], found[-2]["place"], True)
        looked, seen = rows[0]["looked"], rows[0]["seen"]
        return Look(found, asked.after if seen is None else seen, looked == most)

    async def entry(self, tenant_id: str, event_id: str, bills: bool, after: int) -> Row | None:
        """Return the entry of an event behind a place, None where there is none."""
        row: Row | None = await self._connection.fetchrow(ENTRY, tenant_id, event_id, bills, after)
        return row
