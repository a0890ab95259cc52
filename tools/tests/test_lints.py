"""Each house rule is broken on purpose; what is allowed stays silent."""

from pathlib import Path

import lints
import pytest

SRC = "services/contact/src/contact/adapters/contacts_in_postgres.py"
ROUTES = "services/contact/src/contact/entrypoints/http/contacts.py"

BROKEN = [
    ("made-sql", SRC, 'sql = f"select * from contacts where id = {contact_id}"'),
    ("made-sql", SRC, 'sql = f"""\nupdate contacts\nset name = \'{name}\'\n"""'),
    ("made-sql", SRC, 'sql = "delete from contacts where id = %s" % contact_id'),
    ("made-sql", SRC, 'sql = "insert into contacts values (%s, %s)" % (contact_id, schema)'),
    ("made-sql", SRC, 'sql = "select * from {}".format(table)'),
    ("made-sql", SRC, 'SQL = "select * from {table}"\nsql = SQL.format(table=table)'),
    ("made-sql", SRC, 'sql = "select * from contacts where " + clause'),
    ("made-sql", SRC, 'sql = "select a" + " from contacts where " + clause'),
    ("made-sql", SRC, 'sql = f"create role {name}"'),
    ("made-sql", SRC, 'sql = f"set local app.tenant_ids = {tenants}"'),
    ("made-sql", SRC, 'sql = f"notify outbox, {payload}"'),
    ("http-client", SRC, "import httpx"),
    ("http-client", SRC, "from httpx import AsyncClient"),
    ("http-client", "services/session/src/session/application/end.py", "import aiohttp.client"),
    ("http-client", SRC, "from urllib import request"),
    ("http-client", "services/channel-gateway/src/channel_gateway/entrypoints/http/app.py", "import httpx"),
    ("unfenced", ROUTES, "work = works.begin([caller.tenant_id])"),
    ("unfenced", ROUTES, "work = database.transaction(tenants)"),
    ("way-round", SRC, 'role = headers.get("X-Dev-Role", "admin")'),
    ("way-round", SRC, 'if env.flag("AUTH_DISABLED", False):\n    work()'),
    ("way-round", SRC, "def bypass_auth(): ..."),
    ("way-round", ROUTES, 'TEST_ROUTES = env.flag("TEST_ROUTES_ENABLED", False)'),
    ("swallowed", SRC, "try:\n    work()\nexcept Exception:\n    pass"),
    ("swallowed", SRC, "try:\n    work()\nexcept:\n    ..."),
    (
        "swallowed",
        SRC,
        "for x in y:\n    try:\n        work()\n    except (ValueError, BaseException):\n        continue",
    ),
    ("swallowed", SRC, "import contextlib\nwith contextlib.suppress(Exception):\n    work()"),
    ("long-file", SRC, "x = 1\n" * 401),
    ("long-function", SRC, "def f():\n" + "    x = 1\n" * 60),
    ("vague-name", "services/contact/src/contact/application/utils.py", ""),
    ("vague-name", "services/contact/src/contact/domain/phone_helpers.py", ""),
    ("vague-name", "libs/common/src/shared_things/what.py", ""),
    ("vague-name", "services/contact/src/contact/adapters/base.py", ""),
    ("vague-name", "services/contact/src/contact/adapters/connection_manager.py", ""),
]
ALLOWED = [
    (SRC, 'COLUMNS = "id, name"\nsql = f"select {COLUMNS} from contacts where id = $1"'),
    (SRC, 'sql = f"select * from {schema}.contacts" + f" where {self._schema}.id = $1"'),
    (SRC, 'SQL = "select * from {schema}.contacts"\nsql = SQL.format(schema=schema)'),
    (SRC, 'sql = f"create table {schema}.a (id uuid);" + protect(schema, "a")'),
    (SRC, 'raise ValueError(f"cannot update {name}: select another")'),
    (SRC, 'text = f"{count} rows were set"'),
    ("services/contact/tests/test_contacts.py", 'sql = f"select * from {table}"\nimport httpx'),
    ("services/channel-gateway/src/channel_gateway/adapters/waha/send.py", "import httpx"),
    ("services/api-gateway/src/api_gateway/forward.py", "import httpx"),
    ("simulators/waha/src/waha_simulator/webhooks.py", "import httpx"),
    (ROUTES, "work = works.begin([caller.tenant_id], caller.projects)"),
    (SRC, "work = works.begin(tenants)"),
    (SRC, "device = development or auth_token  # a way round the block"),
    ("services/contact/tests/test_contacts.py", 'headers = {"X-Dev-Role": "admin"}'),
    (SRC, "import http\nfrom http import HTTPStatus"),
    (SRC, "try:\n    work()\nexcept Exception as error:\n    log(error)"),
    (SRC, "try:\n    work()\nexcept KeyError:\n    pass"),
    (SRC, "import contextlib\nwith contextlib.suppress(KeyError):\n    work()"),
    (SRC, "x = 1\n" * 400),
    (SRC, "def f():\n" + "    x = 1\n" * 59),
    ("libs/postgres/src/postgres/database.py", ""),
    (".venv/lib/utils.py", "import httpx"),
]


def plant(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True)
    path.write_text(text)


@pytest.mark.parametrize(("rule", "file", "text"), BROKEN)
def test_a_broken_rule_is_named_with_its_file(
    tmp_path: Path, rule: str, file: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(tmp_path, file, text)
    assert lints.main([str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line.startswith(f"{file}:") and f": {rule}: " in line for line in lines), lines


@pytest.mark.parametrize(("file", "text"), ALLOWED)
def test_what_is_allowed_stays_silent(tmp_path: Path, file: str, text: str) -> None:
    plant(tmp_path, file, text)
    assert list(lints.findings(tmp_path)) == []


def test_every_rule_is_broken_here() -> None:
    assert {rule for rule, *_ in BROKEN} == {rule.__name__.replace("_", "-") for rule in lints.RULES}


def test_every_file_that_is_excepted_by_name_exists() -> None:
    for file in lints.MADE_SQL_ALLOWED:
        assert (lints.ROOT / file).is_file(), file
