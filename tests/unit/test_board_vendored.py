"""Other people's script on the board: it is what its package had, with its licence, and nothing is fetched from elsewhere."""

import hashlib
import re

import pytest

from reelqueue.dashboard.assets import HERE

STATIC = HERE / "static"
VENDOR = STATIC / "vendor"
SUMS = [line.split() for line in (VENDOR / "SHA256SUMS").read_text(encoding="ascii").splitlines()]
OURS = sorted(path for path in STATIC.rglob("*") if path.suffix in {".js", ".css", ".svg"} and path.parent != VENDOR)


@pytest.mark.parametrize(("wanted", "name"), SUMS, ids=[name for _, name in SUMS])
def test_a_vendored_file_is_unchanged(wanted, name):
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == wanted


def test_nothing_lies_there_that_is_not_accounted_for():
    assert {path.name for path in VENDOR.iterdir()} == {name for _, name in SUMS} | {"SHA256SUMS"}


def test_its_licence_and_origin_are_told():
    page = (HERE.parents[1] / "THIRD_PARTY.md").read_text(encoding="utf-8")

    assert "npm `uplot` 1.6.32" in page
    assert "The MIT License" in (VENDOR / "uPlot-LICENSE.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_nothing_of_ours_is_fetched_from_elsewhere(path):
    addresses = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", path.read_text(encoding="utf-8"))

    assert [address for address in addresses if "www.w3.org" not in address] == []  # a namespace is fetched by nobody
