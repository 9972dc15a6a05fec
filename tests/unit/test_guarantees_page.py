"""docs/guarantees.md says of each promise what keeps it, and names modules and tests that are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")
ROWS = [
    line.strip("| ").split(" | ")
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| Promise", "| ---"))
]
NAMED = re.compile(r"`((?:unit|integration|contract|faults|browser|guarantees)/[\w/]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:50] for row in ROWS])
def test_a_promise_says_what_keeps_it_and_names_a_test_that_is_there(row):
    assert len(row) == 5
    promise, _, tests, *_ = row
    named = NAMED.findall(tests)
    assert named or tests.startswith("the same"), promise
    for file, test in named:
        assert (ROOT / "tests" / file).is_file(), file
        assert not test or test in functions(ROOT / "tests" / file), f"{file}::{test}"


def test_modules_that_keep_promises_are_there():
    named = set(re.findall(r"`((?:jobs|storage|progress|reelqueue)/[\w/]+\.py)`", PAGE))

    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).is_file()] == []


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
