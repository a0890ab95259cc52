"""What is stored packed can be read by people."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest
from contracts.bundles import packed
from kernel.ids import new_id
from outbox.tables import outbox_tables
from runtime.command_line import command_line
from testkit.plugin import EmptyDatabaseOf

SAY = """
insert into toy.outbox_bundles (id, tenant_ids, type, routing_key, events, body)
values ($1, array[$1::uuid], $2, $2 || '.0', 2, $3)
"""


async def never_built(parts: Any) -> Any:
    raise AssertionError("nothing is served")


async def test_what_a_service_said_is_printed_one_event_a_line(
    empty_database_of: EmptyDatabaseOf, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await empty_database_of("toy")
    owner = await asyncpg.connect(found.owner_dsn)
    await owner.execute(outbox_tables("toy"))
    await owner.close()
    administrator = await asyncpg.connect(found.superuser_dsn)
    for event_type in ("toy.thing_happened.v1", "toy.other_happened.v1"):
        body = packed([json.dumps({"type": event_type, "number": number}).encode() for number in (1, 2)])
        await administrator.execute(SAY, new_id(), event_type, body)
    await administrator.close()
    monkeypatch.setenv("DATABASE_RELAY_URL", found.relay_dsn)

    await asyncio.to_thread(command_line, "toy", never_built, ["said"])
    every = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    await asyncio.to_thread(command_line, "toy", never_built, ["said", "toy.other_happened.v1"])
    of_one_type = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert [(event["type"][4], event["number"]) for event in every] == [("t", 1), ("t", 2), ("o", 1), ("o", 2)]
    assert of_one_type == every[2:]
