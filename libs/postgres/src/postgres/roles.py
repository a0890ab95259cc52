"""The four roles of a service, and its schema. Run once per installation by whoever administers the cluster.

owner     owns the tables; migrations only
app       the service itself: behind the wall, owns nothing
relay     reads and marks the outbox, across tenants, and nothing else
finder    cannot log in; owns the few look-ups that come before a tenant is known
"""

from collections.abc import Mapping

import asyncpg

LOGIN_ROLES = ("owner", "app", "relay")


def schema_of(service: str) -> str:
    """Return the schema's name: `channel-gateway` keeps its tables in `channel_gateway`."""
    return service.replace("-", "_")


async def create_service(connection: asyncpg.Connection, service: str, passwords: Mapping[str, str]) -> None:
    """Make the roles and the schema of `service`, or bring their passwords up to date. Safe to repeat.

    `connection` is a superuser's, in the product's database; `passwords` has a value for owner, app and relay.
    """
    schema = schema_of(service)
    for role in LOGIN_ROLES:
        name = f"{schema}_{role}"
        await _create_role(connection, name, "login")
        # Role statements take no parameters: the server itself quotes the password.
        statement = await connection.fetchval(
            "select format('alter role %I password %L', $1::text, $2::text)", name, passwords[role]
        )
        await connection.execute(statement)
    await _create_role(connection, f"{schema}_finder", "nologin")
    for statement in _SCHEMA.format(schema=schema).split(";"):
        if statement.strip():
            await connection.execute(statement)


async def _create_role(connection: asyncpg.Connection, name: str, login: str) -> None:
    if not await connection.fetchval("select exists(select from pg_roles where rolname = $1)", name):
        try:
            await connection.execute(f'create role "{name}" {login} nosuperuser nobypassrls noinherit')
        except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            return  # another installation of the same cluster was faster


# The owner may act as the finder only to hand functions over to it (create function … owner to …).
_SCHEMA = """
grant "{schema}_finder" to "{schema}_owner";
create schema if not exists "{schema}" authorization "{schema}_owner";
revoke all on schema "{schema}" from public;
grant usage, create on schema "{schema}" to "{schema}_finder";
grant usage on schema "{schema}" to "{schema}_app", "{schema}_relay";
alter role "{schema}_owner" set search_path = "{schema}";
alter role "{schema}_app" set search_path = "{schema}";
alter role "{schema}_relay" set search_path = "{schema}";
revoke create on schema public from public
"""
