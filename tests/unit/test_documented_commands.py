"""Every command and option that the pages name is there."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from reelqueue.cli.app import build

ROOT = Path(__file__).parents[2]
PAGES = sorted({*ROOT.glob("README*.md"), *ROOT.glob("docs/*.md"), ROOT / "CHANGELOG.md", ROOT / ".env.example"})
PAGES.remove(ROOT / "docs/benchmarks.md")  # its tables name other queues beside ours
_CODE = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
_CALL = re.compile(
    r"(?<![\w./-])reelqueue +([a-z]+(?: (?:youtube|list|show|watch|pause|resume|cancel|retry|replay|test|secret)\b)?)((?:[^\n`#|;&)])*)"
)


def commands() -> dict[str, set[str]]:
    """The options of each command, by its name."""
    found: dict[str, set[str]] = {}

    def walk(name: str, command: Any) -> None:
        for under, one in getattr(command, "commands", {}).items():
            walk(f"{name} {under}".strip(), one)
        found[name] = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}

    walk("", typer.main.get_command(build()))
    return found


def named(page: Path) -> set[tuple[str, tuple[str, ...]]]:
    """Each command that a page gives, with its options."""
    text = page.read_text(encoding="utf-8")
    code = "\n".join(_CODE.findall(text)) if page.suffix == ".md" else text
    return {(name, tuple(re.findall(r"--[a-z][a-z-]+", rest))) for name, rest in _CALL.findall(code)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_a_page_gives_are_there_with_their_options(page):
    known = commands()

    assert {name for name, _ in named(page)} - known.keys() == set()
    assert {(name, option) for name, options in named(page) for option in options if option not in known[name]} == set()


def test_the_readme_gives_some():
    assert len(named(ROOT / "README.md")) > 10
