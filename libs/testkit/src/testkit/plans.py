"""What a request costs the database: which statements it sends, and how each of them is read."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from web.caller import Caller

from testkit.serving import Served

_SETTLING = re.compile(r"begin|commit|rollback|set ", re.IGNORECASE)
_OF_THE_DRIVER = re.compile(r"typeinfo|'jit'")
"""A fresh connection asks for the types that it meets."""


@dataclass(frozen=True)
class Statement:
    """One statement of a request, as it was sent."""

    sql: str
    arguments: tuple[Any, ...]

    @property
    def settles(self) -> bool:
        """Tell whether it only begins, ends or sets up the transaction."""
        return _SETTLING.match(self.sql) is not None


@dataclass(frozen=True)
class Plan:
    """How Postgres reads for one statement: the nodes of its plan, the topmost first."""

    nodes: tuple[dict[str, Any], ...]

    @property
    def scanned(self) -> list[str]:
        """Return the tables that are read whole."""
        return [node["Relation Name"] for node in self.nodes if node["Node Type"] == "Seq Scan"]

    @property
    def indexes(self) -> set[str]:
        """Return the indexes that are used."""
        return {node["Index Name"] for node in self.nodes if "Index Name" in node}

    def conditions(self, index: str) -> list[str]:
        """Return what is looked up in an index, once for each of its uses."""
        return [node.get("Index Cond", "") for node in self.nodes if node.get("Index Name") == index]

    @property
    def sorts_everything(self) -> bool:
        """Tell whether rows are sorted that no index brought into any order: all that match, for one page of them.

        What is sorted beside each row of the page does not count.
        """
        return any(node["Node Type"] == "Sort" for node in _nodes(self.nodes[0], beside=False))


class Watch:
    """Asks a service, and then the database what that was: as the service's own role, behind the wall."""

    def __init__(self, served: Served) -> None:
        self.served = served

    async def statements(self, caller: Caller, path: str, **query: Any) -> list[Statement]:
        """Return the statements of a read, begin and commit included."""
        asked: list[Statement] = []

        def note(record: Any) -> None:
            if not _OF_THE_DRIVER.search(record.query):
                asked.append(Statement(record.query, tuple(record.args)))

        async with self._listening(note):
            answer = await self.served.ask(caller, "GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return asked

    async def plans(self, caller: Caller, path: str, **query: Any) -> list[Plan]:
        """Return the plans of a read, with the settings under which it was read."""
        statements = await self.statements(caller, path, **query)
        for_values = any("force_custom_plan" in statement.sql for statement in statements)
        async with self.served.parts.works.begin([caller.tenant_id], caller.projects) as work:
            found = []
            for statement in statements:
                if statement.settles:
                    continue
                if for_values:
                    rows = await work.connection.fetch(f"explain (format json) {statement.sql}", *statement.arguments)
                else:  # made once, for whatever values may come
                    await work.connection.execute(f"prepare read as {statement.sql}")
                    values = ", ".join("null" for _ in statement.arguments)
                    rows = await work.connection.fetch(f"explain (format json) execute read ({values})")
                    await work.connection.execute("deallocate read")
                found.append(Plan(tuple(_nodes(json.loads(rows[0][0])[0]["Plan"]))))
        return found

    @asynccontextmanager
    async def _listening(self, note: Any) -> AsyncIterator[None]:
        pool = self.served.parts.database.pool
        connections = [await pool.acquire() for _ in range(pool.get_size())]
        for connection in connections:
            connection.add_query_logger(note)
            await pool.release(connection)
        try:
            yield
        finally:
            connections = [await pool.acquire() for _ in range(pool.get_size())]
            for connection in connections:
                connection.remove_query_logger(note)
                await pool.release(connection)


def _nodes(plan: dict[str, Any], *, beside: bool = True) -> Iterator[dict[str, Any]]:
    """Yield a node and those below it; `beside`: with those that are asked for each row."""
    yield plan
    for inner in plan.get("Plans", ()):
        if beside or inner["Parent Relationship"] not in ("SubPlan", "InitPlan"):
            yield from _nodes(inner, beside=beside)
