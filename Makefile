# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Which Pythons `make pythons` tries, as paths; nothing: all that it finds on PATH and where pyenv and uv keep theirs.
PYTHONS ?=

# Each of the suite's many processes would compile our modules anew where an environment forbids to keep what was compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test soak promised check dist pythons lock bench clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml reelqueue/version.py
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 14) else "reelqueue needs Python 3.11 to 3.14, this is %d.%d: run make PYTHON=python3.13 (or another) instead" % v)'
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo "installing the packages: up to 400 MB to download, then a minute or two without a word"
	@# The lock names every package, so nothing is left to resolve (older pips look past a pin when an extra is asked for).
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check --disable-pip-version-check
	@touch $(STAMP)

demo: setup
	@$(BIN)/python -m reelqueue.cli.demo

# Four processes on two cores: much of the suite waits. Each file stays with one, which its tests share things in; in their
# own order, since files of few tests are the slow ones and would come last, one of them alone.
TEST_PROCESSES ?= 4
test: setup
	@$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

# What takes minutes, outages among it.
soak: setup promised
	$(BIN)/python -m pytest -m soak

# What is promised in seconds, held to them: for a machine with nothing else to do.  `make test` gives the same tests room.
promised: setup
	STRICT_SECONDS=1 $(BIN)/python -m pytest $$(grep -lE "from tests(.promised)? import (promised|seconds)$$" -r tests --include="test_*.py")

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# The sdist and the wheel, by the hatchling of the lock: nothing is fetched, and no git is asked.
dist: setup
	rm -rf dist
	$(BIN)/python -m hatchling build

# Ours as strangers install it, a short video and the unit tests, under each Python of this machine (2 minutes each).
pythons: dist
	$(BIN)/python .ci/pythons.py $(PYTHONS)

# Pins every dependency with its hashes, for all platforms and Pythons at once; no index URL goes in.
lock:
	$(BIN)/uv pip compile --universal --fork-strategy fewest --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 --extra dev pyproject.toml -o requirements.lock

bench: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .bench .pythons build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
