"""The running product against its own OpenAPI document: Schemathesis asks, a signed-in admin's token in hand.

No 5xx, and every answer as documented: status, content type, schema and headers. `FUZZ_SEED=<number>` repeats a run or makes another.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from string import Template
from typing import Any

import pytest
from furnishing import furnished
from kernel.ids import new_id
from local_stack.process_table import url
from product import Product

SEED = 20261122
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
BUDGET_S = {"stateful": 10, "coverage,fuzzing": 20}
"""How long each may take: along links from answer to answer; the edges of every schema, then values at random."""

LEAST_ASKED = 30
"""Of a run that asked less nobody would know anything. A machine that is busy elsewhere asks some 80 times, a quiet one thousands."""


@pytest.mark.parametrize("phases", BUDGET_S)
async def test_every_answer_is_as_the_document_says(product: Product, tmp_path: Path, phases: str) -> None:
    status, told, report = await ask(product, tmp_path, phases, BUDGET_S[phases])

    print(f"FUZZ_SEED={seed()}", told)
    assert status == 0, told
    assert report["test_cases"]["generated"] >= LEAST_ASKED, told


async def test_a_document_that_says_otherwise_is_found_out(product: Product, tmp_path: Path) -> None:
    document = (await product.client.get("/openapi.json")).json()
    wrong = {path: document["paths"][path]["get"] for path in WRONG}
    wrong["/api/v1/auth/profile"]["responses"]["200"]["content"]["application/json"]["schema"] = {"type": "array"}
    wrong["/api/v1/crm/tags"]["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    wrong["/api/v1/crm/chats"]["responses"]["200"]["headers"]["X-Nothing"] = {"required": True, "schema": {}}
    wrong["/api/v1/crm/sessions"]["responses"] = {"204": {"description": ""}}
    document["paths"] = {path: {"get": operation} for path, operation in wrong.items()}
    place = tmp_path / "openapi.json"
    place.write_text(json.dumps(document))

    status, told, _ = await ask(product, tmp_path, "coverage", 10, document=str(place))

    assert status == 1, told
    for path, finding in WRONG.items():
        found = re.search(rf"_ GET {path} _+\n(.*?)\n[_=]{{5}}", told, re.DOTALL)
        assert found and finding in found[1], (path, told)


WRONG = {
    "/api/v1/auth/profile": "Response violates schema",
    "/api/v1/crm/tags": "Undocumented Content-Type",
    "/api/v1/crm/chats": "Missing required response headers",
    "/api/v1/crm/sessions": "Undocumented status code",
}


def seed() -> int:
    return int(os.environ.get("FUZZ_SEED", SEED))


async def ask(
    product: Product, folder: Path, phases: str, budget_s: int, *, document: str = ""
) -> tuple[int, str, dict[str, Any]]:
    """Run Schemathesis for a tenant that has something of everything; return its exit code, what it said, its report."""
    tenant, ids = await furnished(product, "fuzzed")
    configuration, report, gateway = (
        folder / "schemathesis.toml",
        folder / "report.json",
        url(product.instance, "gateway"),
    )
    configuration.write_text(configuration_for(tenant.access_token, ids))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration)),
        *("run", document or f"{gateway}/openapi.json", "--url", gateway, "--phases", phases, "--warnings", "off"),
        *("--max-time", str(budget_s), "--report", "json", "--report-json-path", str(report)),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, told.decode(), json.loads(report.read_text()) if report.exists() else {}


def configuration_for(token: str, ids: dict[str, str]) -> str:
    """Return the file with what the tenant has put in, so that most of what is asked for is there."""
    names = [name for name in ids if name.endswith("_id") and name != "project_id"]
    places = [(place, name) for name in names for place in ("path", "query", "body")]

    def bound(dictionary: str) -> str:
        return "\n".join(
            f'"{place}.{name}" = {{ dictionary = "{dictionary.format(name=name)}", probability = 0.7 }}'
            for place, name in places
            if place != "body" or name in ("contact_id", "chat_id", "pipeline_id", "status_id", "channel_id")
        )

    dictionaries = [f"{name} = {{ values = {json.dumps([ids[name]])} }}" for name in names]
    dictionaries.append(f"nothing = {{ values = {json.dumps([new_id() for _ in range(5)])} }}")
    return Template(CONFIGURATION.read_text()).substitute(
        seed=seed(),
        token=token,
        project_id=ids["project_id"],
        dictionaries="\n".join(dictionaries),
        parameters=bound("{name}"),
        nothing=bound("nothing"),
    )
