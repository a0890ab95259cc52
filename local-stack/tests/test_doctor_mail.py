"""The doctor and the way that mails leave by: a folder, a server, and a queue that somebody has to empty."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest_asyncio
from kernel.ids import new_id
from local_stack.doctor import mail
from testkit.plugin import DatabaseOf


@dataclass
class Stack:
    """As much of an instance as is looked at."""

    folder: Path
    postgres_superuser_dsn: str
    environment: dict[str, str] = field(default_factory=dict)
    name: str = "test-doctor"


@pytest_asyncio.fixture
async def stack(database_of: DatabaseOf, tmp_path: Path) -> AsyncIterator[Stack]:
    database = await database_of("identity", "identity")
    (tmp_path / "mail").mkdir(mode=0o700)
    yield Stack(tmp_path, database.superuser_dsn)


async def test_a_folder_is_told_as_what_it_is(stack: Stack) -> None:
    (stack.folder / "mail" / "one.eml").write_text("x")
    (found,) = await mail.examine(stack)  # type: ignore[arg-type]
    assert found.grade == "ok"
    assert "1 mails lie in" in found.told


async def test_a_folder_that_is_gone_is_told(stack: Stack) -> None:
    (stack.folder / "mail").rmdir()
    (found,) = await mail.examine(stack)  # type: ignore[arg-type]
    assert (found.grade, bool(found.repair)) == ("FAIL", True)


async def test_a_server_that_is_away_is_told_and_one_that_greets_is_not(stack: Stack) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        while line := await reader.readline():
            writer.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 ok\r\n")
        writer.close()

    listening = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    stack.environment = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port), "SMTP_TLS": "none"}
    async with listening:
        (found,) = await mail.examine(stack)  # type: ignore[arg-type]
        assert found.grade == "ok", found
        stack.environment["SMTP_TLS"] = "starttls"
        (found,) = await mail.examine(stack)  # type: ignore[arg-type]
        assert "SMTPNotSupportedError" in found.told
    stack.environment["SMTP_PORT"] = "9"
    (found,) = await mail.examine(stack)  # type: ignore[arg-type]
    assert (found.grade, bool(found.repair)) == ("FAIL", True)


async def test_mails_that_do_not_leave_and_those_that_were_given_up_are_told(stack: Stack) -> None:
    connection = await asyncpg.connect(stack.postgres_superuser_dsn)
    try:
        for due_at, error in (("now() - interval '6 minutes'", None), ("null", "SMTPDataError 550")):
            await connection.execute(
                "insert into identity.mails (tenant_id, id, kind, address, due_at, error)"
                f" values ($1, $1, 'password_reset', 'ana@example.com', {due_at}, $2)",
                new_id(),
                error,
            )
    finally:
        await connection.close()
    _, late, given_up = await mail.examine(stack)  # type: ignore[arg-type]
    assert (late.grade, given_up.grade) == ("FAIL", "warn")
    assert "1 were given up (SMTPDataError 550)" in given_up.told
    assert "ana@" not in late.told + given_up.told
