"""What must be there before the services start: servers, roles and schemas, migrated tables, a declared topology."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import asyncpg
from postgres.roles import create_service, schema_of

from local_stack.credentials import SERVICES_WITH_SCHEMA
from local_stack.instances import Instance
from local_stack.process_table import SERVICES, Service, module_command, service_environment, topology_environment
from local_stack.processes import run
from local_stack.progress import CannotContinue, step

_JOB_SECONDS = 120.0


def prepare(instance: Instance) -> None:
    """Postgres with its roles and tables beside RabbitMQ with its queues: neither waits for the other.

    Call it with the instance locked.
    """
    with ThreadPoolExecutor(2, thread_name_prefix="prepare") as workers:
        for work in [workers.submit(_prepare_postgres, instance), workers.submit(_prepare_rabbitmq, instance)]:
            work.result()


def _prepare_postgres(instance: Instance) -> None:
    instance.start_unlocked({"postgres"})
    asyncio.run(_create_roles(instance))
    with step("bringing the tables of every service up to date"):
        for service in SERVICES:
            if service.schema:
                migrate(instance, service)


def _prepare_rabbitmq(instance: Instance) -> None:
    instance.start_unlocked({"rabbitmq"})
    _job(instance, module_command("bus.topology", "declare"), topology_environment(instance))


async def _create_roles(instance: Instance) -> None:
    connection = await asyncpg.connect(instance.postgres_superuser_dsn, timeout=10, command_timeout=30)
    try:
        for service in SERVICES_WITH_SCHEMA:
            await create_service(connection, service, instance.secrets["postgres"]["services"][service])
    finally:
        await connection.close(timeout=5)


def migrate(instance: Instance, service: Service) -> None:
    """What `<service> migrate` does, without starting seven processes that import a whole service each (5 s of CPU)."""
    from postgres.migrating import upgrade

    try:
        upgrade(service.module, schema_of(service.name), service_environment(instance, service)["DATABASE_OWNER_URL"])
    except Exception as failed:  # a migration is anybody's code
        told = "\n".join(f"    {line}" for line in str(failed).strip().splitlines()[:12])
        raise CannotContinue(
            f"The tables of {service.name} could not be brought up to date ({type(failed).__name__}):\n{told}"
        ) from failed


def _job(instance: Instance, command: tuple[str, ...], environment: dict[str, str]) -> None:
    done = run(command, environment=environment, cwd=instance.root, seconds=_JOB_SECONDS)
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()[-12:]
        told = "\n".join(f"    {line}" for line in lines)
        raise CannotContinue(f"`python -m {' '.join(command[2:])}` failed; it said:\n{told}")
