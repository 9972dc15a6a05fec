"""The tests, compiled before their processes start: in a fresh clone each of them would do it for itself, 6 s of CPU."""

import os
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pytest
from _pytest.assertion import rewrite  # pytest has no public way; the lock pins it

HERE = Path(__file__).parent


def compile_tests(config: pytest.Config) -> None:
    """Leave the code of each test file where pytest looks for it; where some is, out of date or not, it is left as it is."""
    if sys.dont_write_bytecode or sys.platform != "linux":
        return
    files = [file for file in chain(HERE.rglob("test_*.py"), HERE.rglob("conftest.py")) if not _place(file).exists()]
    cores = min(os.cpu_count() or 1, len(files))
    children = [_forked(config, files[number::cores]) for number in range(cores)]
    for child in children:
        os.waitpid(child, 0)


def _forked(config: pytest.Config, files: Sequence[Path]) -> int:
    """A child of ours that compiles these files: what it can't, its reader will tell of."""
    if (child := os.fork()) != 0:
        return child
    try:
        for file in files:
            _compile(config, file)
    finally:
        os._exit(0)


def _compile(config: pytest.Config, file: Path) -> None:
    place = _place(file)
    place.parent.mkdir(exist_ok=True)
    source_hash, code = rewrite._rewrite_test(file, config)
    rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, source_hash, place)


def _place(file: Path) -> Path:
    return rewrite.get_cache_dir(file) / f"{file.stem}{rewrite.PYC_TAIL}"
