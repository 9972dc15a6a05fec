"""What we rest on inside arq, which its own tests promise to nobody.  One that fails says where to look in our code.

`arq` is pinned to its minor version; whoever moves the pin begins here.
"""

import inspect
import logging
import logging.config
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import arq.cli
import arq.connections
import arq.constants
import arq.jobs
import arq.logs
import arq.utils
import arq.worker
import click
import pytest
from arq.version import VERSION
from click.testing import CliRunner

from reelqueue import command

PARAMETERS = (
    "functions", "queue_name", "cron_jobs", "redis_settings", "redis_pool", "burst", "on_startup", "on_shutdown", "on_job_start",
    "on_job_end", "after_job_end", "handle_signals", "job_completion_wait", "max_jobs", "job_timeout", "keep_result",
    "keep_result_forever", "poll_delay", "queue_read_limit", "max_tries", "health_check_interval", "health_check_key", "ctx",
    "retry_jobs", "allow_abort_jobs", "max_burst_jobs", "job_serializer", "job_deserializer", "expires_extra_ms", "timezone",
    "log_results",
)  # fmt: skip
OPTIONS = {"worker_settings", "burst", "check", "watch", "verbose", "custom_log_dict"}


def moved(what: str, look_at: str) -> str:
    """What a failing test says."""
    return f"arq {VERSION}: {what}; look at {look_at}"


class Seen(NamedTuple):
    """What the module that arq's command imports finds at that moment."""

    context: click.Context | None
    options: Any
    steps: list[str]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    """arq's command, run here on a settings module of our own, up to the worker's start; what happened, in its order."""
    steps: list[str] = []
    found: dict[str, Any] = {}

    class Finder(ModuleType):
        """Stands for `worker_settings`: asked for its class while arq's command has just imported it."""

        def __getattr__(self, name: str) -> Any:
            if name != "Queue":
                raise AttributeError(name)
            steps.append("import")
            found["context"], found["options"] = click.get_current_context(silent=True), command.options()
            arq.cli.default_log_config = _ours  # as `begin` does
            arq.worker.Worker = Ours  # type: ignore[misc]  # as `take_over` does
            return type("Queue", (), {"functions": [len], "queue_name": "q", "of_ours": 7, "strange": 1})

    class Ours(arq.worker.Worker):
        """Takes a parameter that arq does not know."""

        def __init__(self, functions: Any = (), *, queue_name: str | None = None, of_ours: int = 0) -> None:
            steps.append(f"Worker({queue_name}, {of_ours})")

        def run(self) -> None:
            steps.append("run")

    def _ours(verbose: bool) -> dict[str, Any]:
        steps.append(f"logging({verbose})")
        return {"version": 1, "incremental": True}

    monkeypatch.setitem(sys.modules, "queues_of_a_test", Finder("queues_of_a_test"))
    monkeypatch.setattr(arq.cli, "default_log_config", arq.logs.default_log_config)
    monkeypatch.setattr(arq.worker, "Worker", arq.worker.Worker)
    monkeypatch.setattr(sys, "path", list(sys.path))
    done = CliRunner().invoke(arq.cli.cli, ["queues_of_a_test.Queue", "-v"])
    if done.exit_code:
        steps.append(repr(done.exception))
    yield Seen(found.get("context"), found.get("options"), steps)


def test_the_command_imports_then_configures_logging_then_makes_and_runs_a_worker(seen: Seen) -> None:
    assert seen.steps == ["import", "logging(True)", "Worker(q, 7)", "run"], moved(
        "its command does other things, or in another order, or no longer finds `default_log_config` in `arq.cli` and `Worker` in "
        "`arq.worker` when it needs them",
        "`begin` and `take_over` in reelqueue/command.py",
    )


def test_while_it_imports_click_tells_that_arqs_command_runs(seen: Seen) -> None:
    assert seen.context is not None, moved("its command is none of click's", "`options` in reelqueue/command.py")
    assert seen.context.find_root().command is arq.cli.cli, moved(
        "the command that runs is not `arq.cli.cli`", "`options` in reelqueue/command.py"
    )
    assert (seen.options["verbose"], seen.options["worker_settings"]) == (True, "queues_of_a_test.Queue")


def test_the_commands_options_have_the_names_that_we_ask_for() -> None:
    names = {option.name for option in arq.cli.cli.params if not isinstance(option, click.Option) or option.name != "version"}

    assert names == OPTIONS, moved(
        f"options {sorted(names ^ OPTIONS)} came or went", "`begin` and `take_over` in reelqueue/command.py"
    )


def test_a_class_that_is_not_there_is_an_import_error_with_its_cause() -> None:
    with pytest.raises(ImportError) as caught:
        arq.utils.import_string("json.NoSuchClass")

    assert isinstance(caught.value.__cause__, AttributeError), moved("`import_string` raises otherwise", "jobs/mistakes.py")


def test_an_incremental_configuration_of_logging_changes_nothing() -> None:
    """Python's, not arq's: what `begin` hands to arq's command in place of its own."""
    before = [(logger.level, list(logger.handlers)) for logger in (logging.getLogger(), logging.getLogger("arq"))]

    logging.config.dictConfig(command._ours_stays(verbose=True))

    assert [(logger.level, list(logger.handlers)) for logger in (logging.getLogger(), logging.getLogger("arq"))] == before


def test_the_worker_takes_what_it_took() -> None:
    names = tuple(inspect.signature(arq.worker.Worker).parameters)

    assert names == PARAMETERS, moved(
        f"`Worker` takes other parameters: {sorted(set(names) ^ set(PARAMETERS)) or 'in another order'}",
        "`Worker` in jobs/worker.py, which replaces its main loop and must mean the same by each",
    )


def test_the_worker_takes_from_a_class_what_its_signature_names_and_nothing_inherited() -> None:
    class Base:
        queue_name = "inherited"

    class Flat(Base):
        max_jobs = 3
        strange = 1

    assert arq.worker.get_kwargs(Flat) == {"max_jobs": 3}, moved(
        "`get_kwargs` picks otherwise", "the classes in worker_settings.py"
    )


@pytest.mark.parametrize("name", ["create_pool", "ArqRedis", "RedisSettings"])
def test_the_connections_are_where_they_were(name: str) -> None:
    assert hasattr(arq.connections, name), moved(f"`arq.connections.{name}` is gone", "jobs/client.py and jobs/pools.py")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("job_key_prefix", "arq:job:"),
        ("in_progress_key_prefix", "arq:in-progress:"),
        ("result_key_prefix", "arq:result:"),
        ("retry_key_prefix", "arq:retry:"),
        ("abort_jobs_ss", "arq:abort"),
        ("health_check_key_suffix", ":health-check"),
    ],
)
def test_the_keys_have_the_names_that_stock_clients_write(name: str, value: str) -> None:
    assert getattr(arq.constants, name, None) == value, moved(
        f"`arq.constants.{name}` has changed: clients of the old arq and of the new one no longer meet",
        "jobs/claims.py, jobs/queue.py and deploy/redis",
    )


def test_a_jobs_and_a_results_fields_are_those_that_stock_clients_write_and_read() -> None:
    wrote: list[dict[str, Any]] = []

    def keep(fields: dict[str, Any]) -> bytes:
        wrote.append(fields)
        return b""

    arq.jobs.serialize_job("f", (1,), {"a": 2}, 3, 4, serializer=keep)
    arq.jobs.serialize_result("f", (1,), {"a": 2}, 3, 4, True, "r", 5, 6, "ref", "q", "id", serializer=keep)

    job, result = wrote
    assert job == {"t": 3, "f": "f", "a": (1,), "k": {"a": 2}, "et": 4}, moved("a job's fields changed", "jobs/wire.py")
    expected = {
        "t": 3, "f": "f", "a": (1,), "k": {"a": 2}, "et": 4, "s": True, "r": "r", "st": 5, "ft": 6, "q": "q", "id": "id",
    }  # fmt: skip
    assert result == expected, moved("a result's fields changed", "jobs/wire.py and jobs/carrier.py")
