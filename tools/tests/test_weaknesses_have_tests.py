"""docs/security.md says of each weakness what shows that it is stopped: every test that it names exists, and no row is silent."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
NUMBERS = [f"P0-{number}" for number in range(1, 6)] + [str(number) for number in range(1, 47)]
NAMED = re.compile(r"`([\w./-]+\.py)::(\w+)`")
MISSING = re.compile(r"not built yet: (\w[^|;]*\w)\s*$")


def rows_of(text: str) -> list[tuple[str, str, str, str]]:
    """Return number, weakness, what stops it, and what shows it, of each row."""
    rows = [line.strip().strip("|").split("|") for line in text.splitlines() if re.match(r"\| (P0-\d|\d+) \|", line)]
    return [(number.strip(), weakness.strip(), stops.strip(), shown.strip()) for number, weakness, stops, shown in rows]


@cache
def named_in(file: Path) -> frozenset[str]:
    """Return the names of a file's tests; none where there is no such file."""
    if not file.is_file():
        return frozenset()
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(each.name for each in nodes if isinstance(each, functions) and each.name.startswith("test_"))


def place_of(name: str) -> Path:
    """Return the file that the page means: `services/x/…` and `libs/x/…` leave out `tests`."""
    return ROOT / re.sub(r"^((?:services|libs)/[\w-]+)/(?!tests/)", r"\1/tests/", name)


def complaints(text: str) -> list[str]:
    """Return what is wrong with the page."""
    rows = rows_of(text)
    found = [] if [row[0] for row in rows] == NUMBERS else ["the rows are not P0-1 to P0-5 and 1 to 46, in order"]
    for number, weakness, stops, shown in rows:
        named = NAMED.findall(shown)
        if not weakness or not (named or MISSING.search(shown)):
            found.append(f"{number}: neither a test nor the feature that is missing")
        if named and not stops:
            found.append(f"{number}: it is not said what stops it")
        if leftover := re.sub(r"[\s,;]", "", MISSING.sub("", NAMED.sub("", shown))):
            found.append(f"{number}: what is {leftover[:40]!r}?")
        found += [
            f"{number}: there is no {file}::{test}" for file, test in named if test not in named_in(place_of(file))
        ]
    return found


def test_each_weakness_has_a_test_that_exists_or_names_what_is_missing() -> None:
    assert complaints(PAGE.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("pattern", "planted", "told"),
    [
        (
            r"::test_no_list_takes_sql_for_a_sort`",
            "::test_of_nobody`",
            "3: there is no tests-e2e/test_hostile_requests",
        ),
        (r"`libs/web/test_idempotency\.py::", "`libs/web/test_nothing.py::", "there is no libs/web/test_nothing.py"),
        (r"not built yet: uploads", "", "39: neither a test nor the feature that is missing"),
        (r"not built yet: uploads", "somebody will see to it", "39: neither a test nor"),
        (r"\n\| 17 \|[^\n]*", "", "the rows are not"),
        (r"a closed list a route, mapped to constants", "", "3: it is not said what stops it"),
    ],
)
def test_what_is_wrong_with_the_page_is_told(pattern: str, planted: str, told: str) -> None:
    wrong, count = re.subn(pattern, planted, PAGE.read_text(encoding="utf-8"), count=1)
    assert count == 1
    assert any(told in each for each in complaints(wrong)), complaints(wrong)
