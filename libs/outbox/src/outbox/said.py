"""What a service has said: the log that its outbox keeps, opened. For people and tests; bundles are stored packed."""

import asyncpg
from contracts.bundles import opened
from contracts.reading import elements_of


async def events_said(connection: asyncpg.Connection, schema: str, event_type: str | None = None) -> list[bytes]:
    """Return the encoded events of a service that this connection may see, in the order of their bundles."""
    rows = await connection.fetch(
        f'select body from "{schema}".outbox_bundles where $1::text is null or type = $1 order by seq', event_type
    )
    return [bytes(event) for row in rows for event in elements_of(opened(row["body"]))]
