"""The committed generated files are what the generators write today; a stale one is named."""

from pathlib import Path

import generate
import pytest
from choreography import read_choreography


def test_every_generated_file_is_fresh() -> None:
    files = generate.generated_files(generate.ROOT, read_choreography(generate.ROOT))
    assert generate.stale_files(generate.ROOT, files) == [], "run: python tools/generate.py"


def test_stale_and_orphan_files_are_named_and_then_put_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate.main([], tmp_path) == 0
    assert generate.main(["--check"], tmp_path) == 0
    topology = tmp_path / "contracts/topology.json"
    orphan = tmp_path / "contracts/schemas/gone.event.v1.read.json"
    topology.write_text("{}")
    orphan.write_text("{}")
    capsys.readouterr()
    assert generate.main(["--check"], tmp_path) == 1
    assert capsys.readouterr().out.splitlines() == [
        "stale: contracts/schemas/gone.event.v1.read.json",
        "stale: contracts/topology.json",
    ]
    assert topology.read_text() == "{}"
    assert generate.main([], tmp_path) == 0
    assert generate.main(["--check"], tmp_path) == 0
    assert not orphan.exists()
