"""A toy service: what a real one is made of, over a real database where there is one."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import asyncpg
import httpx
import pytest
import pytest_asyncio
from fastapi import Query, Response
from kernel.errors import DomainError
from kernel.ids import new_id
from outbox.tables import outbox_tables
from outbox.work import Works
from postgres.database import Database
from postgres.listing import Listing
from postgres.walls import protect
from pydantic import Field
from web.app import ServiceApp, create_app
from web.bodies import Answer, Body, Id, PathId, Time
from web.caller import Caller, TheCaller
from web.etags import IfMatch, check_version
from web.health import Health
from web.idempotency import TABLE_SQL
from web.internal_tokens import HEADER, InternalTokenIssuer, InternalTokens, make_key, public_part
from web.paging import AnyOf, ListAnswer, Paging, paging
from web.permissions import permissions_of
from web.routes import Routes
from web.works import Work

KEY = make_key()
ISSUER = InternalTokenIssuer(KEY)
SEALING_KEY = b"s" * 32

TOYS_SQL = """
create table toy.toys (
    id uuid not null,
    tenant_id uuid not null,
    version int not null default 1,
    name text not null,
    kind text not null,
    price int,
    bought_at timestamptz,
    created_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, name)
);
"""

TOYS = Listing(
    select="select * from toys where tenant_id = $1",
    sorts={"created_at": "created_at timestamptz", "name": "name text"},
    filters={"kind": "kind = any({})", "name": "strpos(lower(name), lower({})) > 0", "bought_after": "bought_at >= {}"},
    live="deleted_at is null",
)


class NewToy(Body):
    name: Annotated[str, Field(min_length=1, max_length=20)]
    kind: Literal["ball", "doll"] = "ball"
    price: Annotated[int, Field(ge=0, le=1000)] | None = None
    bought_at: Time | None = None


class ToyChange(Body):
    name: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    price: int | None = None


class ToyAnswer(Answer):
    audited = ("name", "kind", "price")

    id: Id
    tenant_id: Id
    version: int
    name: str
    kind: str
    price: int | None
    bought_at: Time | None
    created_at: Time
    deleted_at: Time | None


def toy_routes() -> Routes:
    """Return the routes of a service as its author would write them."""
    routes = Routes("toys")

    @routes.get("/crm/toys", permission="contacts.view")
    async def list_toys(
        work: Work,
        caller: TheCaller,
        page: Annotated[Paging, paging(TOYS, sort="-created_at")],
        kind: Annotated[list[str] | None, Query(), AnyOf("ball", "doll")] = None,
        name: Annotated[str | None, Query(max_length=20)] = None,
        bought_after: Annotated[Time | None, Query()] = None,
    ) -> ListAnswer[ToyAnswer]:
        wanted = {"kind": kind, "name": name, "bought_after": bought_after}
        return await page.answer(work.connection, caller.tenant_id, wanted=wanted, item=ToyAnswer.of)

    @routes.post("/crm/toys", permission="contacts.manage", status=201)
    async def create_toy(body: NewToy, work: Work, caller: TheCaller, response: Response) -> ToyAnswer:
        row = await work.connection.fetchrow(
            "insert into toys (id, tenant_id, name, kind, price, bought_at) values ($1, $2, $3, $4, $5, $6) returning *",
            work.new_id(),
            caller.tenant_id,
            body.name,
            body.kind,
            body.price,
            body.bought_at,
        )
        response.headers["Location"] = f"/api/v1/crm/toys/{row['id']}"
        return ToyAnswer.of(row)

    @routes.get("/crm/toys/{toy_id}", permission="contacts.view")
    async def get_toy(toy_id: PathId, work: Work, caller: TheCaller) -> ToyAnswer:
        row = await work.connection.fetchrow(
            "select * from toys where tenant_id = $1 and id = $2 and deleted_at is null", caller.tenant_id, toy_id
        )
        if row is None:
            raise DomainError("not_found", "there is no such toy")
        return ToyAnswer.of(row)

    @routes.patch("/crm/toys/{toy_id}", permission="contacts.manage")
    async def change_toy(
        toy_id: PathId, body: ToyChange, work: Work, caller: TheCaller, expected: IfMatch
    ) -> ToyAnswer:
        row = await work.connection.fetchrow(
            "select * from toys where tenant_id = $1 and id = $2 for update", caller.tenant_id, toy_id
        )
        if row is None:
            raise DomainError("not_found", "there is no such toy")
        check_version(expected, row["version"])
        values = {"name": row["name"], "price": row["price"], **body.given()}
        row = await work.connection.fetchrow(
            "update toys set name = $3, price = $4, version = version + 1 where tenant_id = $1 and id = $2 returning *",
            caller.tenant_id,
            toy_id,
            values["name"],
            values["price"],
        )
        return ToyAnswer.of(row)

    @routes.delete("/crm/toys/{toy_id}", permission="contacts.manage", role="supervisor")
    async def delete_toy(toy_id: PathId, work: Work, caller: TheCaller) -> None:
        await work.connection.execute(
            "update toys set deleted_at = now() where tenant_id = $1 and id = $2", caller.tenant_id, toy_id
        )

    @routes.post("/toys/echo", permission="self", writes=False)
    async def echo(body: NewToy) -> Answer:
        return Answer()

    return routes


@dataclass
class Toy:
    """A toy service under test."""

    app: ServiceApp
    works: Works | None = None

    @asynccontextmanager
    async def client(self, caller: Caller | None = None, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """Return a client that calls as `caller`."""
        if caller is not None:
            headers[HEADER] = ISSUER.issue(caller, "toy")
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://toy", headers=headers) as client:
            yield client


MakeToy = Callable[..., Toy]
ClientOf = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


def make_caller(role: str = "agent", *, owner: bool = False, **more: Any) -> Caller:
    """Return somebody of a tenant of their own."""
    made = Caller(
        tenant_id=new_id(),
        project_id=new_id(),
        subject=new_id(),
        subject_kind="user",
        credential_id=new_id(),
        role=role,
        owner=owner,
        permissions=permissions_of(role, owner=owner),
        agent_id=None,
        request_id=new_id(),
        correlation_id=new_id(),
    )
    return replace(made, **more)


@pytest.fixture
def caller_with() -> Callable[..., Caller]:
    """`caller_with("viewer")` is somebody with that role."""
    return make_caller


@pytest.fixture
def make_toy() -> Iterator[MakeToy]:
    """`make_toy(routes, …)` puts a service together without a database."""

    def make(*routes: Any, **more: Any) -> Toy:
        more.setdefault("tokens", InternalTokens("toy", public_part(KEY)))
        more.setdefault("health", Health("toy", "1.2.3"))
        return Toy(create_app(service="toy", version="1.2.3", routes=routes, **more), more.get("works"))

    yield make


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def toy_dsns(servers: Any) -> AsyncIterator[tuple[str, str]]:
    """The addresses of the toy's database, for its owner and for the application."""
    from testkit.servers import create_database, drop_database, service_database

    name = await create_database(servers, "toy")
    database = service_database(servers, name, "toy")
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(outbox_tables("toy") + TABLE_SQL("toy") + TOYS_SQL + protect("toy", "toys"))
    await owner.close()
    yield database.owner_dsn, database.app_dsn
    await drop_database(servers, name)


@pytest_asyncio.fixture(loop_scope="session")
async def toy_works(toy_dsns: tuple[str, str]) -> AsyncIterator[Works]:
    """Units of work over the toy's database."""
    database = await Database.connect(toy_dsns[1], application="toy", size=10)
    yield Works(database, partitions=2)
    await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def toy(make_toy: MakeToy, toy_works: Works) -> Toy:
    """The toy service over its database."""
    return make_toy(toy_routes(), works=toy_works, sealing_key=SEALING_KEY)
