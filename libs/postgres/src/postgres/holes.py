"""Holes in a schema's tenant wall and in the fence of its projects, read from the catalogue.

That is what Postgres enforces, not what migrations meant to write. The rules are those of docs/decisions/0004-tenancy.md and
0017-the-fence-between-projects.md. What must be otherwise is excused by whoever asks, with a reason.
"""

from dataclasses import dataclass

import asyncpg

from postgres.walls import PROJECT_FENCE, TENANT_WALL, WALL_OF_MANY


@dataclass(frozen=True, order=True)
class Hole:
    """A rule that something breaks: `key` `users_by_email`. `told` says how."""

    rule: str
    place: str
    told: str

    def __str__(self) -> str:
        return f"{self.rule} {self.place}: {self.told}"


# Every part of this answers rule, place, told. $1 is the schema; its roles are made of it (postgres.roles).

TABLES = """
select 'table', c.relname::text, 'row-level security is not enabled and forced'
from pg_class c
where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)
union all
select 'view', c.relname::text, 'it reads with the rights of its owner'
from pg_class c
where c.relnamespace = $1::text::regnamespace
    and (c.relkind in ('m', 'f') or c.relkind = 'v' and not coalesce(c.reloptions @> '{security_invoker=true}', false))
"""

# Of tables that the service itself may use. A policy without WITH CHECK checks what it shows. What has no tenant needs no wall, but
# an excuse.
POLICIES = """
with own as (
    select c.oid, c.relname::text as name from pg_class c
    where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p')
        and has_table_privilege(($1::text || '_app')::regrole, c.oid, 'select, insert, update, delete')
), walls as (
    select p.polrelid, p.polname::text as name,
        p.polcmd = '*' and exists (
            select from unnest($2::text[]) as wall
            where pg_get_expr(p.polqual, p.polrelid) = wall and coalesce(pg_get_expr(p.polwithcheck, p.polrelid), wall) = wall
        ) as stands
    from pg_policy p
    where p.polpermissive and (0 = any (p.polroles) or ($1::text || '_app')::regrole::oid = any (p.polroles))
)
select 'column', own.name, 'it has no tenant_id uuid not null'
from own
where not exists (
    select from pg_attribute a
    where a.attrelid = own.oid and a.attname = 'tenant_id' and a.atttypid = 'uuid'::regtype and a.attnotnull
)
union all
select 'wall', own.name, 'no policy shows a tenant its own rows and no others'
from own
where not exists (select from walls where walls.polrelid = own.oid and walls.stands)
    and exists (select from pg_attribute a where a.attrelid = own.oid and a.attname in ('tenant_id', 'tenant_ids'))
union all
select 'policy', own.name || '.' || walls.name, 'it lets the service past the wall'
from own join walls on walls.polrelid = own.oid and not walls.stands
"""

# Of tables that the service itself may use and that say whose project a row is. Only restrictive policies narrow what others allow.
FENCES = """
select 'fence', c.relname::text, 'no policy keeps a request to its projects'
from pg_class c
where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p')
    and has_table_privilege(($1::text || '_app')::regrole, c.oid, 'select, insert, update, delete')
    and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'project_id' and not a.attisdropped)
    and not exists (
        select from pg_policy p
        where p.polrelid = c.oid and not p.polpermissive and p.polcmd = '*'
            and (0 = any (p.polroles) or ($1::text || '_app')::regrole::oid = any (p.polroles))
            and pg_get_expr(p.polqual, p.polrelid) = $2
            and coalesce(pg_get_expr(p.polwithcheck, p.polrelid), $2) = $2
    )
"""

# Partitions repeat the keys of their parents.
KEYS = """
select 'key', x.relname::text, 'it is unique and does not begin with tenant_id'
from pg_index i
join pg_class c on c.oid = i.indrelid
join pg_class x on x.oid = i.indexrelid
join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
where c.relnamespace = $1::text::regnamespace and not c.relispartition and i.indisunique and i.indkey[0] <> a.attnum
union all
select 'reference', c.relname || '.' || f.conname, 'it can point into another tenant or another schema'
from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_class t on t.oid = f.confrelid
where f.contype = 'f' and (c.relnamespace = $1::text::regnamespace or t.relnamespace = $1::text::regnamespace)
    and not (
        c.relnamespace = t.relnamespace
        and exists (
            select from unnest(f.conkey, f.confkey) as pair (one, other)
            join pg_attribute a on a.attrelid = c.oid and a.attnum = pair.one and a.attname = 'tenant_id'
            join pg_attribute b on b.attrelid = t.oid and b.attnum = pair.other and b.attname = 'tenant_id'
        )
    )
"""

ROLES = """
with own as (
    select r.oid, r.rolname::text as name, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
        r.rolcanlogin, right(r.rolname, -length($1::text) - 1) as part
    from pg_roles r where r.rolname in ($1::text || '_owner', $1::text || '_app', $1::text || '_relay', $1::text || '_finder')
)
select 'role', part, 'it is missing'
from unnest(array['owner', 'app', 'relay', 'finder']) as part
where not exists (select from own where own.part = part.part)
union all
select 'role', own.part, 'it may more than a role of a service'
from own
where rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or (part = 'finder' and rolcanlogin)
union all
select 'role', own.part, 'it may act as ' || m.roleid::regrole
from own join pg_auth_members m on m.member = own.oid
where not (own.part = 'owner' and m.roleid = ($1::text || '_finder')::regrole)
union all
select 'owner', own.part, 'it owns ' || pg_describe_object(d.classid, d.objid, d.objsubid)
from own
join pg_shdepend d on d.refclassid = 'pg_authid'::regclass and d.refobjid = own.oid and d.deptype = 'o'
where own.part <> 'owner' and not (own.part = 'finder' and d.classid = 'pg_proc'::regclass)
"""

# TRUNCATE asks no policy, REFERENCES tells what exists, TRIGGER runs as whoever writes.
RIGHTS = """
with given as (
    select c.relname::text as place, c.relkind = 'S' as counts, a.grantee, a.privilege_type as may
    from pg_class c, aclexplode(c.relacl) a
    where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select c.relname || '.' || t.attname, false, a.grantee, a.privilege_type
    from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
    where c.relnamespace = $1::text::regnamespace
), allowed (role, rights) as (
    values ($1::text || '_app', array['SELECT', 'INSERT', 'UPDATE', 'DELETE']), ($1::text || '_relay', array['SELECT', 'DELETE']),
        ($1::text || '_finder', array['SELECT'])
)
select 'right', given.place,
    case when given.grantee = 0 then 'everybody' else given.grantee::regrole::text end || ' may ' || lower(given.may)
from given
left join allowed on given.grantee <> 0 and allowed.role = given.grantee::regrole::text
where given.grantee <> ($1::text || '_owner')::regrole and not (given.counts and given.may = 'USAGE' and allowed.role is not null)
    and (allowed.role is null or given.may <> all (allowed.rights)
        or allowed.role = $1::text || '_relay' and given.place not like 'outbox\\_%')
union all
select 'right', n.nspname::text, r.rolname || ' may use or fill that schema'
from pg_namespace n, pg_roles r
where r.rolname in ($1::text || '_app', $1::text || '_relay', $1::text || '_finder', $1::text || '_owner')
    and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', $1::text)
    and (has_schema_privilege(r.oid, n.oid, 'create') or n.nspname <> 'public' and has_schema_privilege(r.oid, n.oid, 'usage'))
union all
select 'right', $1::text, r.rolname || ' may make things in it'
from pg_roles r
where r.rolname in ($1::text || '_app', $1::text || '_relay') and has_schema_privilege(r.oid, $1::text, 'create')
"""

FUNCTIONS = """
select 'function', p.proname::text, told
from pg_proc p, unnest(array[
    case when p.proowner <> ($1::text || '_finder')::regrole then 'it runs with the rights of ' || p.proowner::regrole end,
    case when not exists (select from unnest(p.proconfig) as c where c like 'search\\_path=' || $1::text || ', pg\\_temp')
        then 'it does not fix where it looks for names' end,
    case when exists (
        select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        where a.grantee not in (p.proowner, ($1::text || '_app')::regrole, ($1::text || '_owner')::regrole)
    ) then 'others than the service may call it' end
]) as told
where p.pronamespace = $1::text::regnamespace and p.prosecdef and told is not null
"""

_REFERENCE = f"""
create temporary table wall_reference (tenant_id uuid not null, tenant_ids uuid[] not null, project_id uuid) on commit drop;
create policy of_one on wall_reference using ({TENANT_WALL});
create policy of_many on wall_reference using ({WALL_OF_MANY});
create policy of_projects on wall_reference as restrictive using ({PROJECT_FENCE});
"""
_AS_KEPT = """
select array_agg(pg_get_expr(polqual, polrelid)) filter (where polpermissive) as walls,
    min(pg_get_expr(polqual, polrelid)) filter (where not polpermissive) as fence
from pg_policy where polrelid = 'wall_reference'::regclass
"""


async def holes_in(connection: asyncpg.Connection, schema: str) -> list[Hole]:
    """Return every hole of one service's schema, in order. `connection` is a superuser's; nothing is changed."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        # Postgres keeps a policy in words of its own: ours is compared in those.
        await connection.execute(_REFERENCE)
        kept = await connection.fetchrow(_AS_KEPT)
        found = await connection.fetch(POLICIES, schema, kept["walls"])
        found += await connection.fetch(FENCES, schema, kept["fence"])
        for part in (TABLES, KEYS, ROLES, RIGHTS, FUNCTIONS):
            found += await connection.fetch(part, schema)
    finally:
        await transaction.rollback()
    return sorted({Hole(*row) for row in found})
