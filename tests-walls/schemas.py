"""All schemas of the product in one database."""

from dataclasses import dataclass

import asyncpg
from local_stack.process_table import SERVICES
from testkit.servers import ServiceDatabase

WITH_SCHEMA = [service for service in SERVICES if service.schema]


@dataclass(frozen=True)
class House:
    """The database, from above and by service."""

    administrator: asyncpg.Connection
    services: dict[str, ServiceDatabase]
