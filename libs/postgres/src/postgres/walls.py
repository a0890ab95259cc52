"""The tenant wall, and the fence between a tenant's projects, as SQL for migrations.

`app.tenant_ids` holds the tenants of the transaction. The scalar subquery is evaluated once a statement and not once a row;
`nullif` is there because the setting is '' and not null after a transaction that had set it.
"""

_TENANTS = "(select string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::uuid[])::uuid[]"
TENANT_WALL = f"tenant_id = any ({_TENANTS})"
WALL_OF_MANY = f"tenant_ids <@ {_TENANTS}"
"""For a row that speaks of several tenants: all of them must be the transaction's."""
PROJECT_FENCE = """
coalesce(project_id = any ((select string_to_array(nullif(current_setting('app.project_ids', true), ''), ',')::uuid[])::uuid[]), true)
"""
"""A row of one of the transaction's projects, or of none. Where nothing is set, as in consumers: any row.

`coalesce`, since a planner takes what it cannot look into for half of the rows: its plans stay as they were.
"""


def protect(schema: str, table: str, *, rights: str = "select, insert, update, delete") -> str:
    """Return the statements that put `table` behind the wall and let the app role work on it.

    FORCE makes the wall hold for the table's owner too.
    """
    return f"""
alter table {schema}.{table} enable row level security;
alter table {schema}.{table} force row level security;
create policy tenant_wall on {schema}.{table} using ({TENANT_WALL}) with check ({TENANT_WALL});
grant {rights} on {schema}.{table} to {schema}_app;
"""


def fence(schema: str, table: str) -> str:
    """Return the statement that keeps a transaction of some projects to the rows of these.

    `table` stands behind the wall and has a `project_id`. Whoever sets no projects does not meet it: an older release works on beside it.
    """
    return f"""
create policy project_fence on {schema}.{table} as restrictive to {schema}_app using ({PROJECT_FENCE}) with check ({PROJECT_FENCE});
"""


def take_fence_away(schema: str, table: str) -> str:
    """Return the statement that undoes `fence`."""
    return f"drop policy project_fence on {schema}.{table};"


def finder_may_read(schema: str, table: str) -> str:
    """Return the statements that let the finder's functions read `table` across tenants."""
    return f"""
create policy finder_reads on {schema}.{table} for select to {schema}_finder using (true);
grant select on {schema}.{table} to {schema}_finder;
"""


def finder_function(schema: str, signature: str, returns: str, body: str) -> str:
    """Return a look-up that comes before a tenant is known: owned by the finder, runs as it, callable by the app role only.

    `signature` is `name(argument type, …)` with argument names, `body` one SQL query.
    """
    name, _, arguments = signature.partition("(")
    types = ", ".join(
        argument.strip().split(" ", 1)[1] for argument in arguments.rstrip(")").split(",") if argument.strip()
    )
    return f"""
create function {schema}.{signature} returns {returns} language sql stable security definer
    set search_path = {schema}, pg_temp
    as $find$ {body} $find$;
revoke all on function {schema}.{name}({types}) from public;
grant execute on function {schema}.{name}({types}) to {schema}_app;
-- last: once it is the finder's, we may no longer say who may call it
alter function {schema}.{name}({types}) owner to {schema}_finder;
"""
