"""Releases with known holes can't be installed beside us: the least release of each package is one without."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]
NEEDED = [
    Requirement(line) for line in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
]


@pytest.mark.parametrize(
    ("package", "open_one"),
    [
        pytest.param("Pillow", "12.3.0", id="Pillow: a JPEG that runs code (CVE-2026-112403)"),
        pytest.param("aiohttp", "3.14.3", id="aiohttp: cookies without end (PYSEC-2026-4370)"),
        pytest.param("redis", "4.5.3", id="redis-py: another caller's answer (CVE-2023-28859)"),
        pytest.param("redis", "5.3.0", id="redis-py: the one that is tried"),
        pytest.param("Jinja2", "3.1.5", id="Jinja2: out of its sandbox (CVE-2025-27516)"),
        pytest.param("starlette", "0.49.0", id="starlette: a range that costs too much (CVE-2025-62727)"),
        pytest.param("python-multipart", "0.0.17", id="python-multipart: a boundary without end (CVE-2024-53981)"),
        pytest.param("uvicorn", "0.11.6", id="uvicorn: headers of a stranger's (CVE-2020-7695)"),
    ],
)
def test_a_release_with_a_known_hole_does_not_fit(package: str, open_one: str) -> None:
    (needed,) = [one for one in NEEDED if one.name == package and one.specifier]

    assert not needed.specifier.contains(open_one)


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call of something of this name, and where it stands."""
    for package in ("jobs", "progress", "storage", "reelqueue"):
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            for node in ast.walk(ast.parse(text)) if "ClientSession" in text or "AsyncClient" in text else ():
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
                    yield str(path.relative_to(ROOT)), node


def test_no_client_of_ours_keeps_a_cookie() -> None:
    found = {
        place: {word.arg: ast.unparse(word.value) for word in call.keywords}.get("cookie_jar")
        for place, call in calls("ClientSession")
    }

    assert len(found) >= 4
    assert set(found.values()) == {"aiohttp.DummyCookieJar()"}


def test_no_client_of_ours_follows_a_redirect() -> None:
    """A key would go with it to wherever it leads."""
    followed = {
        place: ast.unparse(call) for place, call in calls("AsyncClient") if "follow_redirects=False" not in ast.unparse(call)
    }
    users = {place for place, _ in calls("ClientSession")}
    for verb in ("request", "get", "post", "put", "head", "delete"):
        for place, call in calls(verb):
            whose = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
            if place in users and whose.endswith("session") and "allow_redirects=False" not in ast.unparse(call):
                followed[place] = ast.unparse(call)

    assert followed == {}
