"""The command line of every service: `run [--only api,consume,relay,work]`, `migrate`, and `said [TYPE]`."""

import argparse
import gc
import os
import sys
from collections.abc import Sequence

import uvloop
from kernel.running import run_roles
from kernel.settings import Environment, SettingsError
from postgres.database import LOST, WrongRoleError
from postgres.roles import schema_of
from telemetry.logs import configure_logging, get_logger
from telemetry.metrics import configure_metrics
from telemetry.tracing import configure_tracing, shut_down_tracing

from runtime.parts import open_parts
from runtime.service import ROLES, Build, roles_of
from runtime.settings import read_service_settings

log = get_logger(__name__)


COLLECT_AFTER = (50_000, 20, 20)
"""How many more objects than were freed begin a collection (700 by default, which cost the line 8 % of its Python)."""


def command_line(service: str, build: Build, arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name; exit with one readable sentence when something is missing."""
    parser = argparse.ArgumentParser(prog=service)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="serve, consume, relay and work, in one process")
    run.add_argument("--only", default=",".join(ROLES), help=f"some of {','.join(ROLES)}")
    commands.add_parser("migrate", help="bring the schema to this release, then end")
    said = commands.add_parser("said", help="print the events in the outbox, one a line, as JSON")
    said.add_argument("type", nargs="?", help="of one type only, such as contact.created.v1")
    wanted = parser.parse_args(arguments)
    try:
        if wanted.command == "migrate":
            _migrate(service)
        elif wanted.command == "said":
            uvloop.run(_said(service, wanted.type))
        else:
            only = set(wanted.only.split(","))
            if not only <= set(ROLES):
                parser.error(f"--only takes some of {','.join(ROLES)}")
            uvloop.run(_run(service, build, only))
    except (SettingsError, WrongRoleError, ValueError) as error:
        sys.exit(f"{service}: {error}")
    except LOST as error:
        sys.exit(f"{service}: the database does not answer: {type(error).__name__}")


def _migrate(service: str) -> None:
    from postgres.migrating import upgrade

    env = Environment(os.environ)
    owner_url = env.text("DATABASE_OWNER_URL")
    env.check()
    schema = schema_of(service)
    upgrade(schema, schema, owner_url)


async def _said(service: str, event_type: str | None) -> None:
    import asyncpg
    from outbox.said import events_said

    env = Environment(os.environ)
    relay_url = env.text("DATABASE_RELAY_URL")
    env.check()
    connection = await asyncpg.connect(relay_url, timeout=5)
    try:
        for event in await events_said(connection, schema_of(service), event_type):
            sys.stdout.write(f"{event.decode()}\n")
    finally:
        await connection.close()


async def _run(service: str, build: Build, only: set[str]) -> None:
    env = Environment(os.environ)
    settings = read_service_settings(env)
    env.check()
    process = "run" if only == set(ROLES) else "+".join(sorted(only))
    configure_logging(
        service,
        settings.version,
        settings.instance,
        settings.log_level,
        settings.log_format,
        process=process,
        env=settings.env,
    )
    configure_metrics(service, settings.version, process)
    configure_tracing(service, settings.version, settings.otlp_endpoint, settings.trace_ratio)
    parts = await open_parts(service, settings, relays_here="relay" in only)
    try:
        roles = roles_of(parts, await build(parts), only)
        # What start-up made stays for ever: looking through it at each collection cost the door 3 % of its time.
        gc.collect()
        gc.freeze()
        # A batch makes thousands of objects at once, and nearly all of them go by themselves.
        gc.set_threshold(*COLLECT_AFTER)
        log.info("started", roles=sorted(only))
        await run_roles(roles, grace_s=settings.shutdown_grace_s)
        log.info("stopped")
    finally:
        await parts.database.close()
        shut_down_tracing()
