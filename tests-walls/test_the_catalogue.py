"""What migrations make, read from the catalogue of each schema."""

import asyncpg
import pytest
from local_stack.doctor.walls import excused, open_holes
from postgres.holes import holes_in
from schemas import WITH_SCHEMA, House

NAMES = [service.name for service in WITH_SCHEMA]


@pytest.mark.parametrize("service", NAMES)
async def test_the_wall_of_a_service_has_no_hole(house: House, service: str) -> None:
    assert [str(each) for each in await open_holes(house.administrator, service)] == []


@pytest.mark.parametrize("service", NAMES)
async def test_every_excuse_is_needed_and_says_why(house: House, service: str) -> None:
    found = {f"{each.rule} {each.place}" for each in await holes_in(house.administrator, service.replace("-", "_"))}
    assert set(excused(service)) == found
    assert all(excused(service).values())


@pytest.mark.parametrize("service", NAMES)
async def test_no_service_reaches_the_schema_of_another(house: House, service: str) -> None:
    for dsn in (house.services[service].app_dsn, house.services[service].relay_dsn):
        connection = await asyncpg.connect(dsn)
        try:
            for other in set(house.services) - {service}:
                schema = house.services[other].schema
                for statement in (
                    f"select from {schema}.parked_events",
                    f"insert into {schema}.outbox_pending (bundle_id, routing_key, events) values (null, '', 1)",
                    f"select {schema}.backlog()",
                ):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await connection.execute(statement)
            for forbidden in ("create table mine (id int)", "create schema mine", f"set role {service}_owner"):
                with pytest.raises(asyncpg.PostgresError):
                    await connection.execute(forbidden)
        finally:
            await connection.close()
