"""`reelqueue batch` and `reelqueue batches`: the real commands, a real folder, a real server where one is needed."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from reelqueue import clock
from reelqueue.cli import command
from reelqueue.settings import Settings
from reelqueue.wording import speak
from tests import forks
from tests.workers import environment, until, worker

COMMAND = [sys.executable, "-c", "from reelqueue.cli import main; main()"]
THREE = "topic,key\nThe tides,a\nThe moon,b\nThe stars,c\n"
Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder of one's own, no Redis, and none of the settings of whoever runs the tests."""
    for name in [*os.environ]:
        if name.startswith("REELQUEUE_") or name in {field.upper() for field in Settings.model_fields}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("REELQUEUE_LANGUAGE", "en")
    monkeypatch.setenv("COLUMNS", "80")
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    yield tmp_path
    clock.follow(None)
    speak("zh-TW")
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def said(capsys) -> Said:
    """Carry a command out: exit code, stdout, stderr; a traceback is never seen."""

    def said(*arguments: str) -> tuple[int, str, str]:
        code = command(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return said


def written(place: Path, text: str | bytes, name: str = "topics.csv") -> str:
    (place / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def projects(place: Path) -> list[dict]:
    files = sorted(place.glob("data/projects/[0-9]*/project_state.json"), key=lambda file: int(file.parent.name))
    return [json.loads(file.read_text()) for file in files]


def batch(place: Path, number: int = 1) -> dict:
    return json.loads((place / f"data/batches/{number}/batch_state.json").read_text())


def test_every_bad_row_is_told_by_line_and_field_and_nothing_is_made(place, said):
    name = written(place, "topic,duration_s,privacy\nThe tides,60,public\n,abc,everybody\nThe moon,5,\n")

    code, _, err = said("batch", name)

    assert code == 2
    assert [line.partition(":")[0] for line in err.splitlines()[:3]] == [
        "line 3, duration_s",
        "line 3, privacy",
        "line 4, duration_s",
    ]
    assert "topics.csv: 3 mistakes, nothing was begun" in err
    assert not (place / "data").exists()


def test_what_only_this_machine_knows_is_told_beside_what_the_file_has_wrong(place, said):
    name = written(place, "主題,長度,標誌\nx,,none.png\ny,abc,\n")

    code, _, err = said("batch", name)

    assert code == 2
    assert [line.partition(":")[0] for line in err.splitlines()[:2]] == ["line 2, 標誌 (logo)", "line 3, 長度 (duration_s)"]
    assert not (place / "data").exists()


def test_fifty_mistakes_are_told_and_the_others_counted(place, said):
    name = written(place, "topic,fps\n" + "x,1\n" * 60)

    code, _, err = said("batch", name)

    assert (code, err.count("line "), "and 10 more mistakes" in err) == (2, 50, True)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        pytest.param("x,,2020-01-01T00:00Z,,,", "line 2, deadline: allowed is a time to come", id="a deadline in the past"),
        pytest.param("x,2020-01-01 00:00,,,,", "line 2, publish_at: allowed is a time to come", id="published in the past"),
        pytest.param("x,,,news,,", "line 2, channel:", id="no such channel"),
        pytest.param("x,,,,none.png,", "line 2, logo: allowed is the path of a picture", id="no such file"),
        pytest.param("x,,,,,nobody", "line 2, voice:", id="no such voice"),
    ],
)
def test_what_only_this_machine_knows_is_told_by_line_too(place, said, row, told):
    name = written(place, f"topic,publish_at,deadline,channel,logo,voice\n{row}\n")

    code, _, err = said("batch", name)

    assert code == 2
    assert told in err
    assert not (place / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param([], "has no row", id="a header alone"),
        pytest.param(["--deadline", "2020-01-01 00:00"], "'deadline'", id="a deadline in the past for all"),
        pytest.param(["--priority", "1000"], "field 'priority' is not valid", id="a priority out of range"),
        pytest.param(["--webhook", "https://127.0.0.1/hook"], "webhook", id="a webhook to this machine"),
        pytest.param(["--slots", "never"], "slots", id="slots that are none"),
        pytest.param(["--slots", "Mon 09:00", "--every", "6h"], "one of --every and --slots", id="two calendars"),
        pytest.param(["--slots", "Mon 09:00 until 2026-01-01"], "slots", id="slots that are over"),
    ],
)
def test_a_wrong_option_is_named_before_anything_is_made(place, said, arguments, told):
    name = written(place, THREE if arguments else "topic\n")

    code, _, err = said("batch", name, *arguments)

    assert (code, told in err.replace("deadline:", "'deadline'")) == (2, True), err
    assert not (place / "data").exists()


@pytest.mark.parametrize("name", [".", "none.csv", "", "a\0b"])
def test_what_is_no_file_is_named(place, said, name):
    assert said("batch", name)[0] == 2


def test_slots_that_cannot_hold_the_batch_are_refused(place, said):
    name = written(place, "topic,deadline\nThe tides,2027-01-01 00:00\nThe moon,2027-01-01 00:00\n")

    code, _, err = said("batch", name, "--slots", "Mon 09:00 until 2026-12-01")

    assert (code, "slots" in err) == (2, True)
    assert not (place / "data").exists()


def test_a_dry_run_shows_what_would_be_made_and_writes_nothing(place, said):
    name = written(
        place,
        "主題,公開時間,長度\n三個存錢的習慣,2030/1/5 18:00,60\n月亮為什麼會跟著我們走，而星星卻不會？這件事要從視差說起,,\n三個存錢的習慣,,60\n".encode(
            "cp950"
        ),
    )

    code, out, err = said("batch", name, "--dry-run")

    assert code == 0
    assert "01-05 18:00" in out
    assert "expected to end" in out
    assert "2 rows (Big5, columns separated by comma)" in err
    assert "line 4 is the video of line 2 again" in err
    assert not (place / "data").exists()


def test_a_dry_run_for_programs_holds_rows_repeats_and_forecast(place, said):
    name = written(place, THREE)

    _, out, err = said("batch", name, "--dry-run", "--json")
    plan = json.loads(out)

    assert err == ""
    assert [(row["line"], row["key"]) for row in plan["rows"]] == [(2, "a"), (3, "b"), (4, "c")]
    assert plan["forecast"]["projects"] == 3


def test_a_dry_run_says_when_each_row_becomes_public(place, said):
    """A row's own moment is its own, the others get the calendar's."""
    name = written(place, b"topic,publish_at\nTides,\nWaves,2030-01-05T18:00:00Z\nCurrents,\n")

    _, out, _ = said("batch", name, "--every", "6h", "--dry-run")
    rows = json.loads(said("batch", name, "--every", "6h", "--dry-run", "--json")[1])["rows"]

    first, own, second = (datetime.fromisoformat(row["public_at"]) for row in rows)
    assert (own, second - first) == (datetime(2030, 1, 5, 18, tzinfo=UTC), timedelta(hours=6))
    assert sum("  public " in line for line in out.splitlines()) == 3


def test_without_a_redis_it_is_on_disk_as_running_and_says_when_it_begins(place, said):
    code, out, err = said("batch", written(place, THREE), "--priority", "5", "--detach")

    assert (code, out) == (3, "1\n")
    assert "it begins as soon as reelqueue worker runs" in err
    assert (batch(place)["status"], batch(place)["project_ids"]) == ("running", [1, 2, 3])
    assert [state["brief"]["priority"] for state in projects(place)] == [5, 5, 5]


def test_the_same_file_again_is_the_same_batch(place, said, monkeypatch):
    monkeypatch.setattr("reelqueue.cli.batch.MANY", 2)
    _, _, first = said("batch", written(place, THREE))

    code, _, err = said("batch", "topics.csv", "--priority", "7")

    assert (code, "this file is batch 1 already" in err) == (3, True)
    assert ("putting 3 projects on disk" in first, "on disk ..." in err) == (True, False)
    assert (len(projects(place)), (place / "data/batches/2").exists()) == (3, False)


def test_the_same_file_again_goes_on_although_its_moments_have_passed(place, said, monkeypatch):
    (place / "clock").write_text("0")
    monkeypatch.setenv("TEST_CLOCK_FILE", str(place / "clock"))
    soon = (clock.now() + timedelta(hours=30)).isoformat()
    said("batch", written(place, f"topic,publish_at,deadline\nThe tides,{soon},\nThe moon,,{soon}\n"), "--every", "6h")
    (place / "clock").write_text(str(3 * 86_400))

    code, _, err = said("batch", "topics.csv", "--every", "6h")
    new_code, _, new_err = said("batch", written(place, f"topic,deadline\nThe sun,{soon}\n", "new.csv"))

    assert (code, "this file is batch 1 already" in err) == (3, True)
    assert (new_code, "line 2, deadline: allowed is a time to come" in new_err) == (2, True)


def test_rows_of_an_earlier_batch_are_left_out_and_named(place, said):
    said("batch", written(place, THREE))

    _, _, err = said("batch", written(place, THREE + "The sun,d\n"))

    assert "made before and left out: 3 rows, project 1-3" in err
    assert batch(place, 2)["project_ids"] == [4]


def test_a_row_without_a_key_is_known_by_what_its_video_is(place, said):
    said("batch", written(place, "topic\nThe tides\n"))

    _, _, err = said("batch", written(place, "topic,priority\nThe moon,\nThe tides,9\n"))

    assert "made before and left out: 1 row, project 1" in err
    assert batch(place, 2)["project_ids"] == [2]


def test_a_key_that_stands_for_another_video_is_a_mistake_of_its_line(place, said):
    said("batch", written(place, THREE))

    code, _, err = said("batch", written(place, "topic,key\nThe sun,d\nThe clouds,b\n"))

    assert (code, "line 3, key: the key 'b' is project 2's" in err) == (2, True)
    assert len(projects(place)) == 3


def test_a_command_that_is_killed_while_it_makes_the_batch_is_made_to_its_end_by_the_next(place, said):
    count = 400
    name = written(place, "topic\n" + "".join(f"Topic number {number}\n" for number in range(count)))
    child = forks.Popen(
        [*COMMAND, "batch", name, "--every", "1h"], cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    asyncio.run(until(lambda: len(list(place.glob("data/projects/[0-9]*"))) > 3, "some are made"))
    child.kill()
    child.wait()
    made = len(list(place.glob("data/projects/[0-9]*")))

    code, _, err = said("batch", name, "--every", "1h")

    assert made < count
    assert code == 3, err
    assert batch(place)["project_ids"] == list(range(1, count + 1))
    assert {state["batch_id"] for state in projects(place)} == {1}
    assert not (place / "data/batches/2").exists()


def test_batches_are_listed_and_shown_without_a_redis(place, said):
    assert "no batches yet" in said("batches")[1]
    said("batch", written(place, THREE))

    _, listed, _ = said("batches")
    _, shown, _ = said("batches", "show", "1")
    _, as_json, _ = said("batches", "show", "1", "--json")

    assert "running" in listed
    assert "batch 1 (running): 3 queued" in shown
    assert said("list", "--batch", "1")[1].count("created") == 3
    assert "there are no such projects" in said("list", "--batch", "2")[1]
    assert json.loads(as_json)["project_ids"] == [1, 2, 3]
    assert max(len(line) for line in (listed + shown).splitlines()) <= 80


@pytest.mark.parametrize("act", ["show", "watch", "pause", "resume", "cancel", "retry"])
@pytest.mark.parametrize("number", ["7", "zero"])
def test_an_unknown_batch_is_named_even_without_a_redis(place, said, act, number):
    code, _, err = said("batches", act, number)

    assert (code, f"there is no batch '{number}'" in err or f"there is no batch {number}" in err) == (2, True)


@pytest.fixture
def live(settings: Settings, place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands have a server; where the data lies."""
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    return settings.data_dir


@pytest.fixture
def workers(live: Path, settings: Settings) -> Iterator[None]:
    """What a batch needs, in processes of their own: the test itself gives commands, which have loops of theirs."""
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        for name in ("VideoWorker", "BatchWorker"):
            runner.run(stack.enter_async_context(worker(settings, name)))
        yield
        runner.run(stack.aclose())


def test_a_batch_is_followed_to_where_a_person_has_to_act_and_cancelled(workers, place, said):
    """Of two videos one can't be told in half an hour, the other waits for the review of its script."""
    name = written(place, f"topic,content,review\nToo long,{'字' * 9_990}。,\nThe tides,,script\n")

    code, out, err = said("batch", name)
    acts = [said("batches", act, "1")[0] for act in ("pause", "resume", "cancel")]
    watched, results, _ = said("batches", "watch", "1", "--json")

    assert code == 3, out + err
    assert "1 x waits for review: project 2" in out
    assert "✗ 1 x script:" in out
    assert (acts, watched) == ([0, 0, 0], 1)
    assert [line["status"] for line in json.loads(results)["results"]] == ["failed", "cancelled"]


async def test_ctrl_c_leaves_it_running_and_says_how_to_come_back(live, place):
    name = written(place, THREE)
    pipe = asyncio.subprocess.PIPE
    child = await forks.create_subprocess_exec(*COMMAND, "batch", name, cwd=place, stdout=pipe, stderr=pipe)
    assert child.stdout is not None
    first = await child.stdout.readline()  # it follows
    child.send_signal(signal.SIGINT)
    async with asyncio.timeout(60):  # where SIGINT is ignored by whoever started us, it would follow for ever
        _, err = await child.communicate()

    assert (child.returncode, "reelqueue batches watch 1" in err.decode()) == (130, True)
    assert b"no video and no batch worker is running" in first
    assert json.loads((live / "batches/1/batch_state.json").read_text())["status"] == "running"
