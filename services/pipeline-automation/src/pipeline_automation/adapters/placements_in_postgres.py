"""Who stands where, in Postgres, set-based.

Whoever moves contacts locks them first, then the pipelines (shared), each in the order of their keys: changes of one contact
follow each other, and no pipeline or status goes away under a move. Who removes a status or a pipeline locks it before the
contacts; where the two meet, the database ends one of them and it is repeated.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from postgres.database import Connection

from pipeline_automation.application.work import Contact
from pipeline_automation.domain.known_contact import Entrance
from pipeline_automation.domain.pipeline import Status
from pipeline_automation.domain.placement import Key, Money, Move, Placement, Standing, Target

LOCK_CONTACTS = """
select c.tenant_id::text, c.project_id::text, c.id::text
from (select distinct tenant_id, project_id, id from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as w (tenant_id, project_id, id)) w
join contacts c on c.tenant_id = w.tenant_id and c.id = w.id and c.project_id = w.project_id
where not c.deleted
order by c.tenant_id, c.id
for update of c
"""

# Both are locked: a row that changed while it was waited for is looked at again as it is then.
TARGETS = """
select s.tenant_id::text, s.project_id::text, s.pipeline_id::text, p.active as pipeline_active, s.id::text, s.name, s.description,
    s.color, s.status_type, s.position, s.active, s.version
from (
    select distinct tenant_id, project_id, status_id
    from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as w (tenant_id, project_id, status_id)
) w
join statuses s on s.tenant_id = w.tenant_id and s.id = w.status_id and s.deleted_at is null
join pipelines p on p.tenant_id = s.tenant_id and p.id = s.pipeline_id and p.project_id = w.project_id and p.deleted_at is null
order by p.tenant_id, p.id
for share of p, s
"""

# The channel's own pipeline before the default one. It cannot be told while the channel is not known, or while there is no
# pipeline and the project, which brings the default one, is not known. Locked as above, whatever is just going away is passed by.
DOORS = """
select e.tenant_id::text, e.project_id::text, e.channel_id::text, door.*
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as e (tenant_id, project_id, channel_id)
left join channels ch on ch.tenant_id = e.tenant_id and ch.id = e.channel_id
left join projects pr on pr.tenant_id = e.tenant_id and pr.id = e.project_id
left join lateral (
    select p.id::text as pipeline_id, p.active as pipeline_active, s.id::text, s.name, s.description, s.color, s.status_type,
        s.position, s.active, s.version
    from pipelines p
    join statuses s on s.tenant_id = p.tenant_id and s.pipeline_id = p.id and s.status_type = 'open' and s.active
        and s.deleted_at is null
    where p.tenant_id = e.tenant_id and p.project_id = e.project_id and p.active and p.deleted_at is null
        and (p.is_default or p.id = ch.pipeline_id)
    order by (p.id is not distinct from ch.pipeline_id) desc, s.position limit 1
    for share of p, s
) door on true
where (e.channel_id is null or ch.id is not null) and (door.pipeline_id is not null or pr.id is not null)
"""

STAYS = """
select distinct p.tenant_id::text, p.contact_id::text, p.pipeline_id::text
from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, contact_id)
join placements p on p.tenant_id = w.tenant_id and p.contact_id = w.contact_id
"""

_OPEN = """p.tenant_id::text, p.project_id::text, p.id::text, p.contact_id::text, p.pipeline_id::text, p.entered_at, p.changed_by,
    p.reason, p.notes, p.lost_reason, p.value_amount, p.currency, s.id::text as status_id, s.name, s.description, s.color,
    s.status_type, s.position, s.active, s.version
from placements p join statuses s on s.tenant_id = p.tenant_id and s.id = p.status_id"""

OPEN = (
    "select "
    + _OPEN
    + """
join (
    select distinct tenant_id, contact_id, pipeline_id
    from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as w (tenant_id, contact_id, pipeline_id)
) w on w.tenant_id = p.tenant_id and w.contact_id = p.contact_id and w.pipeline_id = p.pipeline_id
where p.exited_at is null
"""
)

# Those of deleted contacts too: a contact can come back, its pipeline may be gone by then.
LOCK_WHO_STANDS = """
select c.id from contacts c
where c.tenant_id = $1 and c.id in (
    select p.contact_id from placements p where p.tenant_id = $1 and p.pipeline_id = $2 and p.exited_at is null
        and ($3::uuid is null or p.status_id = $3) and ($4::uuid is null or p.contact_id = $4)
)
order by c.tenant_id, c.id
for update
"""

IN_PIPELINE = (
    "select "
    + _OPEN
    + """
where p.tenant_id = $1 and p.pipeline_id = $2 and p.exited_at is null
    and ($3::uuid is null or p.status_id = $3) and ($4::uuid is null or p.contact_id = $4)
order by p.contact_id
"""
)

CLOSE = """
update placements p set exited_at = c.exited_at, version = p.version + 1, updated_at = now()
from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as c (tenant_id, id, exited_at)
where p.tenant_id = c.tenant_id and p.id = c.id and p.exited_at is null
"""

ENTER = """
insert into placements (tenant_id, id, project_id, contact_id, pipeline_id, status_id, from_status_id, entered_at, exited_at,
    changed_by, reason, notes, lost_reason, value_amount, currency)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::timestamptz[],
    $9::timestamptz[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::text[])
"""

TAKE_OUT = """
update placements p set exited_at = c.exited_at, exited_by = $4, exit_reason = $5, version = p.version + 1, updated_at = now()
from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as c (tenant_id, id, exited_at)
where p.tenant_id = c.tenant_id and p.id = c.id and p.exited_at is null
"""

# Deleted contacts are seen by nobody, so they hold nothing up.
USERS = """
select count(*) from placements p join contacts c on c.tenant_id = p.tenant_id and c.id = p.contact_id and not c.deleted
where p.tenant_id = $1 and p.pipeline_id = $2 and p.exited_at is null and ($3::uuid is null or p.status_id = $3)
"""


class PlacementsInPostgres:
    """The placements of contacts. They use pipelines and statuses."""

    used_by = "placements"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def doors_of(self, entrances: Collection[Entrance]) -> Mapping[Entrance, Target | None]:
        """Return where those begin who come this way, locked like what moves are about; None: in no pipeline.

        Missing are those of which it cannot be told yet.
        """
        if not entrances:
            return {}
        rows = await self._connection.fetch(DOORS, *([each[column] for each in entrances] for column in range(3)))
        return {
            (row["tenant_id"], row["project_id"], row["channel_id"]): _target(row) if row["pipeline_id"] else None
            for row in rows
        }

    async def stays_of(self, contacts: Collection[Contact]) -> set[Key]:
        """Return in which pipelines contacts stand or ever stood; the contacts are locked already."""
        if not contacts:
            return set()
        rows = await self._connection.fetch(STAYS, [tenant for tenant, _, _ in contacts], [id for *_, id in contacts])
        return {(row["tenant_id"], row["contact_id"], row["pipeline_id"]) for row in rows}

    async def standing(self, moves: Sequence[Move]) -> Standing:
        """Return what moves are about, locked: contacts, then pipelines."""
        tenants = [move.tenant_id for move in moves]
        projects = [move.project_id for move in moves]
        contacts = await self._connection.fetch(LOCK_CONTACTS, tenants, projects, [move.contact_id for move in moves])
        rows = await self._connection.fetch(TARGETS, tenants, projects, [move.status_id for move in moves])
        targets = {(row["tenant_id"], row["id"]): _target(row) for row in rows}
        wanted = [
            (move.tenant_id, move.contact_id, targets[move.tenant_id, move.status_id].pipeline_id)
            for move in moves
            if (move.tenant_id, move.status_id) in targets
        ]
        found = await self._connection.fetch(OPEN, *([key[column] for key in wanted] for column in range(3)))
        return Standing(
            [(row["tenant_id"], row["project_id"], row["id"]) for row in contacts],
            [_placement(row) for row in found],
            targets.values(),
        )

    async def keep(self, closed: Sequence[Placement], opened: Sequence[Placement]) -> None:
        """Store what was closed and what was opened."""
        if closed:
            await self._connection.execute(CLOSE, *_ends(closed))
        if opened:
            rows = sorted((_row(each) for each in opened), key=lambda row: (row[0], row[3], row[7]))
            await self._connection.execute(ENTER, *map(list, zip(*rows, strict=True)))

    async def in_pipeline(
        self, tenant_id: str, pipeline_id: str, status_id: str | None, contact_id: str | None
    ) -> list[Placement]:
        """Return the open placements of a pipeline, one status of it, or one contact; contacts are locked first."""
        await self._connection.execute(LOCK_WHO_STANDS, tenant_id, pipeline_id, status_id, contact_id)
        rows = await self._connection.fetch(IN_PIPELINE, tenant_id, pipeline_id, status_id, contact_id)
        return [_placement(row) for row in rows]

    async def take_out(self, placements: Sequence[Placement], exited_by: str, reason: str | None) -> None:
        """Store the end of placements whose contacts leave their pipeline."""
        if placements:
            await self._connection.execute(TAKE_OUT, *_ends(placements), exited_by, reason)

    async def users_of(self, tenant_id: str, pipeline_id: str, status_id: str | None) -> int:
        """Return how many contacts that people can see stand in a pipeline, or in a status of it."""
        count: int = await self._connection.fetchval(USERS, tenant_id, pipeline_id, status_id)
        return count


def _ends(placements: Sequence[Placement]) -> tuple[list[Any], ...]:
    ordered = sorted(placements, key=lambda each: (each.tenant_id, each.id))
    columns = ("tenant_id", "id", "exited_at")
    return tuple([getattr(each, column) for each in ordered] for column in columns)


def _status(row: Mapping[str, Any], id: str) -> Status:
    return Status(
        id=id,
        name=row["name"],
        status_type=row["status_type"],
        description=row["description"],
        color=row["color"],
        position=row["position"],
        active=row["active"],
        version=row["version"],
    )


def _target(row: Mapping[str, Any]) -> Target:
    return Target(
        row["tenant_id"], row["project_id"], row["pipeline_id"], row["pipeline_active"], _status(row, row["id"])
    )


def _placement(row: Mapping[str, Any]) -> Placement:
    """Return an open placement. Where it came from is told already."""
    return Placement(
        tenant_id=row["tenant_id"],
        project_id=row["project_id"],
        id=row["id"],
        contact_id=row["contact_id"],
        pipeline_id=row["pipeline_id"],
        status=_status(row, row["status_id"]),
        from_status=None,
        entered_at=row["entered_at"],
        changed_by=row["changed_by"],
        reason=row["reason"],
        notes=row["notes"],
        lost_reason=row["lost_reason"],
        value=None if row["value_amount"] is None else Money(amount=row["value_amount"], currency=row["currency"]),
    )


def _row(each: Placement) -> tuple[Any, ...]:
    return (
        each.tenant_id,
        each.id,
        each.project_id,
        each.contact_id,
        each.pipeline_id,
        each.status.id,
        each.from_status.id if each.from_status else None,
        each.entered_at,
        each.exited_at,
        each.changed_by,
        each.reason,
        each.notes,
        each.lost_reason,
        each.value.amount if each.value else None,
        each.value.currency if each.value else None,
    )
