"""The lock is whole: what a locked package asks for is locked too, at a version that suits it, for every Python and machine.

`make setup` installs with `--no-deps`, so nothing else would notice a gap.  What a package asks for is read from its metadata as
installed here; a version that is locked for another machine only (an Intel Mac's last wheels) is not here to be read.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OURS = [
    Requirement(line)
    for line in (
        *PYPROJECT["build-system"]["requires"],
        *PYPROJECT["project"]["dependencies"],
        *PYPROJECT["project"]["optional-dependencies"]["dev"],
    )
]
MACHINES = (
    ("linux", "Linux", "x86_64"),
    ("linux", "Linux", "aarch64"),
    ("darwin", "Darwin", "x86_64"),
    ("darwin", "Darwin", "arm64"),
)
ENVIRONMENTS = [
    pytest.param(
        {
            "python_version": python,
            "python_full_version": f"{python}.1",
            "sys_platform": platform,
            "platform_system": system,
            "platform_machine": machine,
            "platform_release": "",
            "platform_version": "",
            "platform_python_implementation": "CPython",
            "implementation_name": "cpython",
            "implementation_version": f"{python}.1",
            "os_name": "posix",
        },
        id=f"{python}-{platform}-{machine}",
    )
    for python in ("3.11", "3.12", "3.13", "3.14")
    for platform, system, machine in MACHINES
]


class Wish(NamedTuple):
    """What somebody asks for."""

    asker: str
    wanted: Requirement

    def __str__(self) -> str:
        return f"{self.asker} asks for {self.wanted}"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_all_that_a_locked_package_asks_for_is_locked_at_a_version_that_suits_it(environment: Mapping[str, str]) -> None:
    pinned = pins(environment)
    wishes = list(followed(OURS, pinned, environment))

    assert len(wishes) > 100
    assert sorted(str(wish) for wish in wishes if not suits(pinned, wish.wanted)) == []


def test_nothing_is_locked_that_nobody_asks_for() -> None:
    pinned = pins(None)

    assert set(pinned) == {canonicalize_name(wish.wanted.name) for wish in followed(OURS, pinned, None)}


def test_what_is_locked_for_this_machine_is_what_is_installed() -> None:
    """Else the tests above would read what other versions ask for."""
    pinned = pins(None)

    assert {name: version for name, version in pinned.items() if read(name, version) is None} == {}


@pytest.mark.parametrize(
    ("wish", "gap"),
    [
        pytest.param("redis>=5,<6", False, id="a version that suits"),
        pytest.param("redis>=6", True, id="a version that does not"),
        pytest.param("no-such-package", True, id="a package that is missing"),
        pytest.param("Pydantic_Settings>=2; python_version >= '3.11'", False, id="a package by another spelling"),
        pytest.param("no-such-package; python_version < '3'", False, id="a package for another Python"),
        pytest.param("fonttools[lxml]", True, id="what an extra asks for"),
        pytest.param("fonttools[woff]", False, id="what an extra asks for that is locked"),
    ],
)
def test_a_gap_is_found(wish: str, gap: bool) -> None:
    pinned = pins(None)

    wishes = list(followed([Requirement(wish)], pinned, None))

    assert any(not suits(pinned, one.wanted) for one in wishes) is gap


# --- how the lock and what is installed are read ---


@cache
def lines() -> tuple[Requirement, ...]:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    return tuple(Requirement(line) for line in re.sub(r"\s*--hash=\S+", "", text).splitlines() if line.strip())


def pins(environment: Mapping[str, str] | None) -> dict[str, str]:
    """The locked versions by name there; None is this machine."""
    return {canonicalize_name(line.name): only(line) for line in lines() if applies(line, environment, "")}


def only(line: Requirement) -> str:
    (one,) = line.specifier
    return one.version


def applies(one: Requirement, environment: Mapping[str, str] | None, extra: str) -> bool:
    return one.marker is None or one.marker.evaluate({**(environment or {}), "extra": extra})


def suits(pinned: Mapping[str, str], wanted: Requirement) -> bool:
    version = pinned.get(canonicalize_name(wanted.name))
    return version is not None and wanted.specifier.contains(version, prereleases=True)


@cache
def read(name: str, version: str) -> tuple[Requirement, ...] | None:
    """What a package asks for; None where that version is not installed here."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return None
    return tuple(map(Requirement, found.requires or ())) if found.version == version else None


def followed(roots: Iterable[Requirement], pinned: Mapping[str, str], environment: Mapping[str, str] | None) -> Iterator[Wish]:
    """All that is asked for there: by us, by what we ask for, with its extras, and so on."""
    waiting = [Wish("we", one) for one in roots if applies(one, environment, "")]
    followed_already: set[tuple[str, str]] = set()
    while waiting:
        wish = waiting.pop()
        yield wish
        name = canonicalize_name(wish.wanted.name)
        for extra in ("", *wish.wanted.extras):
            if (name, extra) in followed_already:
                continue
            followed_already.add((name, extra))
            asked = read(name, pinned[name]) or () if name in pinned else ()
            asker = f"{name}[{extra}]" if extra else name
            waiting += [Wish(asker, one) for one in asked if applies(one, environment, extra)]
