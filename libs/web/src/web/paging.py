"""Lists: `limit`, `cursor`, `sort`, `include`, `include_deleted` as one parameter, and `{data, has_more, next_cursor}` as the answer.

@routes.get("/crm/contacts", permission="contacts.view")
async def list_contacts(
    work: Work, caller: TheCaller,
    page: Annotated[Paging, paging(CONTACTS, sort="-created_at")],
    status: Annotated[list[str] | None, Query(), AnyOf("active", "ended")] = None,
) -> ListAnswer[ContactAnswer]:
    return await page.answer(work.connection, caller.tenant_id, wanted={"status": status}, item=ContactAnswer.of)
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response
from kernel.errors import DomainError
from postgres.database import Connection
from postgres.listing import Listing, Page
from pydantic import GetCoreSchemaHandler, SerializerFunctionWrapHandler, model_serializer
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from web.bodies import Answer
from web.caller import Requirement, the_caller

DEFAULT_LIMIT = 20
MOST = 100
MOST_COUNTED = 10_000
MOST_CURSOR_CHARACTERS = 2000

SEES_DELETED = Requirement("self", "admin")
"""Who may ask a list for what was deleted, beside the list's own permission."""

T = TypeVar("T")


class ListAnswer(Answer, Generic[T]):
    """One page. The total is there only where it was asked for."""

    data: list[T]
    has_more: bool
    next_cursor: str | None
    total_count: int | None = None
    total_count_capped: bool | None = None

    @model_serializer(mode="wrap")
    def _without_unasked_total(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = serialize(self)
        if self.total_count is None:
            fields.pop("total_count", None)
        if not self.total_count_capped:
            fields.pop("total_count_capped", None)
        return fields


class Paging:
    """What a caller asked of a list."""

    def __init__(
        self,
        request: Request,
        response: Response,
        listing: Listing,
        limit: int,
        cursor: str | None,
        sort: str,
        include: frozenset[str],
        deleted: bool,
    ) -> None:
        self._request = request
        self._response = response
        self._listing = listing
        self.limit = limit
        self.cursor = cursor
        self.sort = sort
        self.include = include
        self.deleted = deleted

    def of(self, listing: Listing) -> "Paging":
        """Return the same question, put to another list that knows its sort."""
        found = copy(self)
        found._listing = listing
        return found

    async def page(self, connection: Connection, *fixed: Any, wanted: Mapping[str, Any] | None = None) -> Page:
        """Return the page of rows; `fixed` are the listing's own parameters, `wanted` the filters that were given."""
        return await self._listing.page(
            connection,
            *fixed,
            wanted=wanted,
            sort=self.sort,
            limit=self.limit,
            cursor=self.cursor,
            deleted=self.deleted,
        )

    async def total(
        self, connection: Connection, *fixed: Any, wanted: Mapping[str, Any] | None = None
    ) -> tuple[int, bool] | None:
        """Return how many there are, up to 10,000, and whether there are more; None where nobody asked."""
        if "total_count" not in self.include:
            return None
        narrowed, parameters = self._listing.narrowed(*fixed, wanted=wanted, deleted=self.deleted)
        # The listing's select and conditions are constants of its module; values are bound.
        counted = f"select count(*) from ({narrowed} limit {MOST_COUNTED + 1}) as counted"
        count: int = await connection.fetchval(counted, *parameters)
        return min(count, MOST_COUNTED), count > MOST_COUNTED

    async def answer(
        self,
        connection: Connection,
        *fixed: Any,
        wanted: Mapping[str, Any] | None = None,
        item: Callable[[Any], T],
    ) -> ListAnswer[T]:
        """Return the whole answer, each row made an item by `item`."""
        found = await self.page(connection, *fixed, wanted=wanted)
        total = await self.total(connection, *fixed, wanted=wanted)
        return self.answer_of([item(row) for row in found.rows], found.next_cursor, total)

    def answer_of(
        self, items: Sequence[T], next_cursor: str | None, total: tuple[int, bool] | None = None
    ) -> ListAnswer[T]:
        """Return the answer for items that were read elsewhere; sets `Link`."""
        if next_cursor is not None:
            self._response.headers["Link"] = f'<{self._address_of(next_cursor)}>; rel="next"'
        count, capped = total if total is not None else (None, None)
        # Items are answers already: validating them again would only cost.
        return ListAnswer[Any].model_construct(
            data=list(items),
            has_more=next_cursor is not None,
            next_cursor=next_cursor,
            total_count=count,
            total_count_capped=capped,
        )

    def _address_of(self, cursor: str) -> str:
        kept = [(name, value) for name, value in self._request.query_params.multi_items() if name != "cursor"]
        return f"{self._request.scope['path']}?{urlencode([*kept, ('cursor', cursor)])}"


def paging(listing: Listing, *, sort: str, include: Sequence[str] = ()) -> Any:
    """Return the dependency that reads a list's paging; `sort` is the default, `include` the expansions it knows.

    A list that knows what is live takes `include_deleted` too, from admins: anybody else is refused with permission_denied.
    """
    known = frozenset(("total_count", *include))
    if sort.removeprefix("-") not in listing.sorts:
        raise ValueError(f"the list cannot be sorted by {sort}")
    sorts = ", ".join(f"{name}, -{name}" for name in listing.sorts)

    async def read(
        request: Request,
        response: Response,
        limit: Annotated[int, Query(), Limit()] = DEFAULT_LIMIT,
        cursor: Annotated[str | None, Query(max_length=MOST_CURSOR_CHARACTERS)] = None,
        sort: Annotated[str, Query(description=f"one of {sorts}")] = sort,
        include: Annotated[list[str] | None, Query(), AnyOf(*sorted(known))] = None,
        deleted: Annotated[bool, Depends(_deleted_too if listing.live else _live_alone)] = False,
    ) -> Paging:
        if sort.removeprefix("-") not in listing.sorts:
            raise DomainError("invalid_sort", f"sort by one of {sorts}")
        return Paging(request, response, listing, limit, cursor, sort, frozenset(include or ()), deleted)

    return Depends(read)


async def _deleted_too(
    request: Request,
    include_deleted: Annotated[bool, Query(description="also what was deleted; needs role admin")] = False,
) -> bool:
    if include_deleted:
        SEES_DELETED.check(await the_caller(request))
    return include_deleted


async def _live_alone() -> bool:
    return False


class Limit:
    """1 to 100; anything else is limit_out_of_range, also what is no number."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"type": "integer", "minimum": 1, "maximum": MOST}

    @staticmethod
    def _read(value: Any) -> int:
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MOST):
            raise PydanticCustomError("limit_out_of_range", f"1 to {MOST} expected")
        return int(text)


class AnyOf:
    """A query field that takes one or several of a closed set: `status=active,ended`. Without values, any short text.

    Stands in `Annotated[list[str] | None, Query(), AnyOf("active", "ended")]`.
    """

    def __init__(self, *values: str) -> None:
        self._values = values

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        items: dict[str, Any] = {"type": "string"}
        if self._values:
            items["enum"] = list(self._values)
        return {"type": "array", "items": items}

    def _read(self, value: Any) -> list[str] | None:
        if value is None:
            return None
        words = [word for each in value for word in str(each).split(",")]
        if len(words) > MOST:
            raise PydanticCustomError("too_long", f"at most {MOST} values")
        if any(word not in self._values for word in words) if self._values else "" in words:
            raise PydanticCustomError("not_in_enum", f"{', '.join(self._values) or 'a value'} expected")
        return words
