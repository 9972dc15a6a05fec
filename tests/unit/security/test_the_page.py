"""SECURITY.md names controls by tests that exist, for every threat, and both first pages lead to it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_each_threat_has_its_row_and_its_tests_are_there():
    rows = re.findall(r"^\| S(\d+) \|(.*)\|$", PAGE, re.MULTILINE)

    assert [int(number) for number, _ in rows] == list(range(1, 21))
    for number, row in rows:
        named = re.findall(r"`((?:unit|integration|contract|faults|browser|guarantees)/[\w/]+\.py)(?:::(\w+))?`", row)
        assert named, number
        for file, test in named:
            assert (ROOT / "tests" / file).is_file(), file
            assert not test or test in defined_in(file), f"{file}::{test}"


def defined_in(file):
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_files_that_it_names_are_there():
    for name in re.findall(r"(?<![\w/])((?:docs|media|models|providers|jobs|dashboard)/[\w/]+\.(?:md|py))", PAGE):
        assert any((ROOT / top / name).is_file() for top in ("", "reelqueue")), name


@pytest.mark.parametrize("page", ["README.md", "README.zh-TW.md"])
def test_the_first_pages_lead_there(page):
    assert "](SECURITY.md)" in (ROOT / page).read_text(encoding="utf-8")
