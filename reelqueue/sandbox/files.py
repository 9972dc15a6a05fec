"""How the sandbox keeps what it must remember: small JSON files, replaced whole."""

import json
from pathlib import Path
from typing import Any


def read_json(file: Path) -> Any:
    """What the file holds; None where there is none."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def write_json(file: Path, value: Any) -> None:
    """Replace the file, readable by its owner alone: a reader sees the old text or the new."""
    write_text(file, json.dumps(value, ensure_ascii=False, indent=1))


def write_text(file: Path, text: str) -> None:
    """Replace the file by `text`, readable by its owner alone."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.new")
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    new.replace(file)
