"""`python -m api_gateway run`."""

import argparse
import os
import sys
from collections.abc import Sequence

import uvloop
from kernel.running import run_roles
from kernel.settings import Environment, SettingsError
from telemetry.logs import configure_logging, get_logger
from telemetry.metrics import configure_metrics
from telemetry.tracing import configure_tracing, shut_down_tracing

from api_gateway.bootstrap import build, roles_of
from api_gateway.operations import OWN, DocumentError, load_document
from api_gateway.settings import GatewaySettings, read_settings

log = get_logger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; exit with one readable sentence when something is missing."""
    parser = argparse.ArgumentParser(prog=OWN)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="serve, and hear what is withdrawn")
    parser.parse_args(arguments)
    env = Environment(os.environ)
    settings = read_settings(env)
    try:
        env.check()
        uvloop.run(_run(settings))
    except (SettingsError, DocumentError, ValueError) as error:
        sys.exit(f"{OWN}: {error}")


async def _run(settings: GatewaySettings) -> None:
    configure_logging(
        OWN,
        settings.version,
        settings.instance,
        settings.log_level,
        settings.log_format,
        process="run",
        env=settings.env,
    )
    configure_metrics(OWN, settings.version)
    configure_tracing(OWN, settings.version, settings.otlp_endpoint, settings.trace_ratio)
    built = build(settings, load_document())
    try:
        built.health.start_heart()
        log.info("started", operations=len(built.gateway.table.routes))
        await run_roles(roles_of(built, settings), grace_s=settings.shutdown_grace_s)
        log.info("stopped")
    finally:
        await built.close()
        shut_down_tracing()


if __name__ == "__main__":
    main()
