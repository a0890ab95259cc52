"""The newest migration is found without Alembic, and is the one that Alembic finds."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from local_stack.process_table import SERVICES
from postgres import revisions
from postgres.migrating import configuration
from postgres.revisions import head_of

PACKAGES = [service.module for service in SERVICES if service.schema]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_newest_migration_is_the_one_that_alembic_finds(package: str) -> None:
    assert head_of(package) == ScriptDirectory.from_config(configuration(package, package, "")).get_current_head()


def test_two_that_follow_the_same_one_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "versions").mkdir()
    for name, before in (("1", None), ("2", "1"), ("3", "1")):
        text = f"revision = {name!r}\ndown_revision: str | None = {before!r}\n"
        (tmp_path / "versions" / f"{name}.py").write_text(text)
    monkeypatch.setattr(revisions, "migrations_of", lambda package: tmp_path)
    with pytest.raises(ValueError, match="2 newest migrations: 2, 3"):
        head_of("some")


def test_services_start_without_loading_what_only_migrations_need() -> None:
    bootstraps = ", ".join(f"{package}.bootstrap" for package in [*PACKAGES, "api_gateway"])
    code = f"import sys, runtime.command_line, {bootstraps}; print({{'sqlalchemy', 'alembic'}} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert printed.stdout.strip() == "set()"
