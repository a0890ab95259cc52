"""The doctor and the webhooks' door: away, behind a redirect, somebody else's, or out of WAHA's reach."""

from pathlib import Path

import pytest
from answering_as_told import Said, answering
from local_stack.doctor import reachability
from local_stack.doctor.finding import Finding
from local_stack.instances import Instance
from testkit.listening import free_port

PROBLEM = {"content-type": "application/problem+json"}


async def examined(folder: Path, port: int, **environment: str) -> Finding:
    brought = {"WAHA_BASE_URL": "http://127.0.0.1:9", "WEBHOOK_BASE_URL": f"http://127.0.0.1:{port}/", **environment}
    (found,) = await reachability.examine(Instance.open("test-doctor", folder, brought))
    assert bool(found.repair) == (found.grade != "ok")
    return found


@pytest.mark.parametrize(
    ("said", "grade", "words"),
    [
        (Said(404, headers=PROBLEM), "ok", "refuses what is not signed"),
        (Said(401, headers=PROBLEM), "ok", "refuses what is not signed"),
        (Said(200, headers=PROBLEM), "FAIL", "with 200"),
        (Said(404), "FAIL", "which our door does not"),
        (Said(502, headers=PROBLEM), "FAIL", "with 502"),
        (Said(308, headers={"location": "https://elsewhere.example/"}), "FAIL", "redirects to https://elsewhere"),
    ],
)
async def test_the_door_refuses_by_itself_at_the_address_that_waha_is_told(
    tmp_path: Path, said: Said, grade: str, words: str
) -> None:
    asked = []

    def answer(method: str, path: str, _: object) -> Said:
        asked.append(f"{method} {path.rpartition('/')[0]}")
        return said

    with answering(answer) as port:
        found = await examined(tmp_path, port)
    assert (found.grade, asked) == (grade, ["POST /api/v1/webhooks"]), found
    assert words in found.told


async def test_a_door_that_nobody_opens_is_told(tmp_path: Path) -> None:
    found = await examined(tmp_path, free_port())
    assert found.grade == "FAIL"
    assert "nobody answers" in found.told


async def test_a_waha_elsewhere_that_is_told_of_loopback_is_told(tmp_path: Path) -> None:
    with answering(lambda *_: Said(404, headers=PROBLEM)) as port:
        found = await examined(tmp_path, port, WAHA_BASE_URL="https://waha.example")
    assert found.grade == "warn"
    assert "on its own machine" in found.told
