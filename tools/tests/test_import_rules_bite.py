"""A rule that cannot fail is no rule: each one is broken on purpose, in a small tree under the real configuration."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = (
    "identity",
    "contact",
    "session",
    "messaging",
    "pipeline_automation",
    "billing",
    "channel_gateway",
    "api_gateway",
)
WORKSPACE = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONFIGURATION = WORKSPACE["tool"]["importlinter"]
PACKAGES = [file.parent for depth in ("*", "*/*") for file in ROOT.glob(f"{depth}/src/*/__init__.py")]

# A clean tree: every room of every service, and the imports that they are meant to have.
CLEAN = {
    "__main__.py": "import {service}.bootstrap",
    "bootstrap.py": "import bus, contracts, outbox, runtime, {service}.adapters.a, {service}.settings, "
    "{service}.entrypoints.http.app, {service}.entrypoints.events.on_thing_done",
    "settings.py": "import kernel",
    "entrypoints/http/app.py": "import fastapi, pydantic, web, {service}.application.do_thing",
    "entrypoints/events/on_thing_done.py": "import contracts.thing, outbox, {service}.application.do_thing",
    "adapters/a.py": "import asyncpg, httpx, postgres, {service}.application.ports",
    "application/announcements.py": "import contracts.thing, outbox, {service}.domain.thing",
    "application/do_thing.py": "import outbox, {service}.domain.thing",
    "application/ports.py": "import postgres",
    "domain/thing.py": "import dataclasses, kernel",
}
LIBRARIES = {
    "kernel": "import uuid_utils",
    "contracts": "import msgspec, kernel",
    "telemetry": "import structlog, kernel",
    "postgres": "import asyncpg, sqlalchemy, kernel",
    "outbox": "import contracts, postgres, telemetry",
    "bus": "import aio_pika, contracts, telemetry",
    "web": "import fastapi, httpx, outbox, postgres",
    "runtime": "import bus, contracts, outbox, runtime, web",
    "local_stack": "import postgres, waha_simulator",
    "testkit": "import local_stack, outbox, bus, web, contracts",
    "waha_simulator": "import fastapi, httpx",
}

# For each rule, the files that break it: what is written there, and the link or the room that the report must name.
BITES = {
    "rooms": [
        (
            "contact/domain/thing.py",
            "import contact.application.do_thing",
            "contact.domain.thing -> contact.application.",
        ),
        (
            "contact/application/do_thing.py",
            "import contact.adapters.a",
            "contact.application.do_thing -> contact.adapters.",
        ),
        (
            "contact/entrypoints/http/app.py",
            "import contact.adapters.a",
            "contact.entrypoints.http.app -> contact.adapters.",
        ),
        ("contact/adapters/a.py", "import contact.entrypoints.http.app", "contact.adapters.a -> contact.entrypoints."),
        ("contact/adapters/a.py", "import contact.settings", "contact.adapters.a -> contact.settings"),
        (
            "session/application/do_thing.py",
            "import session.bootstrap",
            "session.application.do_thing -> session.bootstrap",
        ),
        (
            "identity/domain/thing.py",
            "import identity.application.do_thing",
            "identity.domain.thing -> identity.application.",
        ),
        ("contact/utilities/__init__.py", "", "- contact.utilities"),
        ("session/helpers.py", "", "- session.helpers"),
    ],
    "gateway-rooms": [
        (
            "api_gateway/adapters/a.py",
            "import api_gateway.bootstrap",
            "api_gateway.adapters.a -> api_gateway.bootstrap",
        ),
    ],
    "services": [
        (
            "session/application/do_thing.py",
            "import contact.domain.thing",
            "session.application.do_thing -> contact.domain.",
        ),
        (
            "api_gateway/adapters/a.py",
            "import identity.domain.thing",
            "api_gateway.adapters.a -> identity.domain.thing",
        ),
    ],
    "domain": [
        ("messaging/domain/thing.py", "import sqlalchemy", "messaging.domain.thing -> sqlalchemy"),
        ("messaging/domain/thing.py", "import msgspec", "messaging.domain.thing -> msgspec"),
        ("messaging/domain/thing.py", "import pydantic", "messaging.domain.thing -> pydantic"),
        ("messaging/domain/thing.py", "import contracts.thing", "messaging.domain.thing -> contracts.thing"),
        ("messaging/domain/thing.py", "import postgres", "postgres -> asyncpg"),
    ],
    "application": [
        ("contact/application/do_thing.py", "import fastapi", "contact.application.do_thing -> fastapi"),
        ("contact/application/do_thing.py", "import asyncpg", "contact.application.do_thing -> asyncpg"),
        ("contact/application/do_thing.py", "import aio_pika", "contact.application.do_thing -> aio_pika"),
        ("contact/application/do_thing.py", "import httpx", "contact.application.do_thing -> httpx"),
        ("contact/application/do_thing.py", "import bus", "contact.application.do_thing -> bus"),
    ],
    "wire": [
        (
            "contact/application/do_thing.py",
            "import contracts.thing",
            "contact.application.do_thing -> contracts.thing",
        ),
        ("contact/adapters/a.py", "from contracts import thing", "contact.adapters.a -> contracts.thing"),
        ("web/__init__.py", "import contracts.thing", "web -> contracts.thing"),
    ],
    "libs": [
        ("kernel/__init__.py", "import telemetry", "kernel -> telemetry"),
        ("kernel/__init__.py", "import contact.domain.thing", "kernel -> contact.domain.thing"),
        ("bus/__init__.py", "import outbox", "bus -> outbox"),
        ("postgres/__init__.py", "import web", "postgres -> web"),
    ],
    "runtime": [
        ("contact/entrypoints/http/app.py", "import runtime", "contact.entrypoints.http.app -> runtime"),
    ],
    "testkit": [("contact/adapters/a.py", "import testkit", "contact.adapters.a -> testkit")],
    "local-stack": [("session/bootstrap.py", "import local_stack", "session.bootstrap -> local_stack")],
    "simulator": [
        ("channel_gateway/adapters/a.py", "import waha_simulator", "channel_gateway.adapters.a -> waha_simulator")
    ],
    "simulator-alone": [("waha_simulator/__init__.py", "import kernel", "waha_simulator -> kernel")],
}


def write(root: Path, file: str, line: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in path.relative_to(root).parents:
        if folder != Path():
            (root / folder / "__init__.py").touch()
    with path.open("a") as module:
        module.write(f"{line}\n")


def report_on(root: Path) -> tuple[int, str]:
    result = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": "240"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return result.returncode, result.stdout + result.stderr


def name_of(rule: str) -> str:
    (name,) = [contract["name"] for contract in CONFIGURATION["contracts"] if contract["id"] == rule]
    return str(name)


def section(report: str, rule: str) -> str:
    """Return what the report says of one broken rule, without what it says of the others."""
    reasons = report.partition(name_of(rule))[2]
    for other in CONFIGURATION["contracts"]:
        reasons = reasons.partition(f"\n{other['name']}\n")[0]
    return reasons


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for service in SERVICES:
        for file, line in CLEAN.items():
            write(tmp_path, f"{service}/{file}", line.format(service=service))
    for library, line in LIBRARIES.items():
        write(tmp_path, f"{library}/__init__.py", line)
    write(tmp_path, "contracts/thing.py", "import msgspec")
    write(tmp_path, "web/auditing.py", "import contracts.thing, outbox")
    return tmp_path


def test_the_clean_tree_is_green(tree: Path) -> None:
    code, report = report_on(tree)
    assert "BROKEN" not in report
    assert code == 0, report


@pytest.mark.parametrize("rule", BITES)
def test_the_rule_bites(tree: Path, rule: str) -> None:
    for file, line, _ in BITES[rule]:
        write(tree, file, line)
    code, report = report_on(tree)
    assert code == 1, report
    assert f"{name_of(rule)} BROKEN" in report
    reasons = section(report.partition("Broken contracts")[2], rule)
    assert [named for _, _, named in BITES[rule] if named not in reasons] == [], reasons


def test_every_rule_is_bitten() -> None:
    assert {contract["id"] for contract in CONFIGURATION["contracts"]} == BITES.keys()


def test_no_package_of_the_workspace_escapes_the_rules() -> None:
    assert {package.name for package in PACKAGES} == set(CONFIGURATION["root_packages"])


def test_no_package_of_the_workspace_escapes_the_type_checker() -> None:
    paths = WORKSPACE["tool"]["mypy"]["mypy_path"]
    sources = {str(package.parent.relative_to(ROOT)) for package in PACKAGES}
    assert {path.removeprefix("$MYPY_CONFIG_FILE_DIR/") for path in paths} == {*sources, "tools"}
