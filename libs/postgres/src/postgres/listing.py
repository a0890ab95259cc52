"""Keyset lists out of closed tables of filters and sorts.

No text of a caller ever becomes SQL: a filter or a sort is chosen by name from constants, values are bound.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from kernel.errors import DomainError

from postgres.database import Connection


@dataclass(frozen=True)
class Page:
    """One page: rows, and where the next one begins (None on the last)."""

    rows: Sequence[asyncpg.Record]
    next_cursor: str | None


@dataclass(frozen=True)
class Listing:
    """A list that people may ask for.

    `select` ends inside a WHERE clause, its own parameters starting at $1 (always the tenant). `filters` are conditions in which
    `{}` stands for the value's placeholder. `sorts` name not-null columns of the result with their types, most significant first
    ("timestamp timestamptz, sequence bigint"); `id` breaks ties, and an empty text sorts by it alone. Index them in the same direction.
    `live` is the condition that tells what is there from what was deleted softly; a list without it knows no deleted things.
    """

    select: str
    sorts: Mapping[str, str]
    filters: Mapping[str, str] = field(default_factory=dict)
    live: str = ""

    async def page(
        self,
        connection: Connection,
        *fixed: Any,
        wanted: Mapping[str, Any] | None = None,
        sort: str,
        limit: int,
        cursor: str | None = None,
        deleted: bool = False,
    ) -> Page:
        """Return up to `limit` rows after `cursor`. `fixed` are the parameters of `select`; `sort` is `name` or `-name`.

        `deleted` also shows what was deleted softly. Raises DomainError: invalid_sort, invalid_filter, or invalid_cursor for one that
        is damaged or of another question.
        """
        wanted = {name: value for name, value in (wanted or {}).items() if value is not None}
        if sort.removeprefix("-") not in self.sorts:
            raise DomainError("invalid_sort", f"sort by one of {', '.join(self.sorts)}")
        columns = [*_columns(self.sorts[sort.removeprefix("-")]), ("id", "uuid")]
        before, direction = ("<", "desc") if sort.startswith("-") else (">", "asc")
        narrowed, parameters = self.narrowed(*fixed, wanted=wanted, deleted=deleted)
        conditions = ""
        question = _fingerprint(sort, fixed, wanted, deleted)
        if cursor is not None:
            place = _read_cursor(cursor, question, len(columns))
            casts = [f"${len(parameters) + number}::text::{kind}" for number, (_, kind) in enumerate(columns, start=1)]
            parameters += place
            conditions += f" and ({', '.join(name for name, _ in columns)}) {before} ({', '.join(casts)})"
            # The same for the first column alone: where the next one is in no index, the row is not looked up, and each page
            # would read all that came before it.
            conditions += f" and {columns[0][0]} {before}= {casts[0]}"
        order = ", ".join(f"{name} {direction}" for name, _ in columns)
        sql = f"{narrowed}{conditions} order by {order} limit {int(limit) + 1}"
        rows = await connection.fetch(sql, *parameters)
        page = rows[:limit]
        return Page(page, _write_cursor(page[-1], columns, question) if len(rows) > limit else None)

    def narrowed(
        self, *fixed: Any, wanted: Mapping[str, Any] | None = None, deleted: bool = False
    ) -> tuple[str, list[Any]]:
        """Return the select with the conditions of the filters that were given, and its parameters.

        Raises DomainError invalid_filter.
        """
        parameters = list(fixed)
        sql = self.select if deleted or not self.live else f"{self.select} and {self.live}"
        for name, value in (wanted or {}).items():
            if value is None:
                continue
            if name not in self.filters:
                raise DomainError("invalid_filter", f"there is no filter {name}")
            parameters.append(value)
            sql += " and " + self.filters[name].replace("{}", f"${len(parameters)}")
        return sql, parameters


def _columns(declared: str) -> list[tuple[str, str]]:
    pairs = [part.split() for part in declared.split(",") if part]
    return [(name, kind) for name, kind in pairs]


def _fingerprint(sort: str, fixed: Sequence[Any], wanted: Mapping[str, Any], deleted: bool) -> str:
    filters = {name: str(value) for name, value in sorted(wanted.items())}
    question = json.dumps([sort, [str(value) for value in fixed], filters, *(["deleted"] if deleted else [])])
    return hashlib.blake2b(question.encode(), digest_size=6).hexdigest()


def _write_cursor(row: asyncpg.Record, columns: list[tuple[str, str]], question: str) -> str:
    place = [question, *(str(row[name]) for name, _ in columns)]
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def _read_cursor(cursor: str, question: str, columns: int) -> list[str]:
    try:
        asked, *place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if asked == question and len(place) == columns and all(isinstance(each, str) for each in place):
            return [str(each) for each in place]
    except (ValueError, binascii.Error, TypeError):
        pass
    raise DomainError("invalid_cursor", "the cursor is damaged or belongs to another list")
