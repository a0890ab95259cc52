"""At which revision a schema stands, and which one this code wants: all that a running service needs of its migrations.

Read without Alembic: with SQLAlchemy behind it, it would be a third of what a start costs.
"""

import ast
from importlib import resources
from pathlib import Path

import asyncpg

VERSION_TABLE = "migrations"


def head_of(package: str) -> str:
    """Return the newest revision that this code knows; raise ValueError where there is none, or more than one."""
    revisions = [_named(file) for file in (migrations_of(package) / "versions").glob("*.py")]
    older = {each["down_revision"] for each in revisions}
    heads = [each["revision"] for each in revisions if each["revision"] not in older]
    if len(heads) != 1:
        raise ValueError(f"{package} has {len(heads)} newest migrations: {', '.join(map(str, sorted(heads, key=str)))}")
    return str(heads[0])


async def current_revision(connection: asyncpg.Connection, schema: str) -> str | None:
    """Return the revision that the database stands at, or None before the first."""
    if await connection.fetchval("select to_regclass($1)", f"{schema}.{VERSION_TABLE}") is None:
        return None
    revision: str | None = await connection.fetchval(f'select version_num from "{schema}".{VERSION_TABLE}')
    return revision


def migrations_of(package: str) -> Path:
    """Return the folder of the migrations: beside `src/` in a checkout, inside the package in a wheel."""
    home = Path(str(resources.files(package)))
    return next(folder for folder in (home / "migrations", home.parents[1] / "migrations") if folder.is_dir())


def _named(file: Path) -> dict[str, str | None]:
    """Return what a migration calls itself and the one before it."""
    found: dict[str, str | None] = {}
    for statement in ast.parse(file.read_text()).body:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id="revision" | "down_revision" as name)],
                value=ast.Constant(value=str() | None as value),
            ):
                found[name] = value
            case ast.AnnAssign(
                target=ast.Name(id="revision" | "down_revision" as name),
                value=ast.Constant(value=str() | None as value),
            ):
                found[name] = value
    return found
