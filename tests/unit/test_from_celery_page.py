"""The READMEs' "From Celery to here": the same rows in both languages, each with tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {"README.md": "## From Celery to here", "README.zh-TW.md": "## 從 Celery 到這裡"}
OLD_WORDS = (
    "video_generation", "batch_processing", "maintenance", "celery -A app.celery_app worker", "-Q video_generation -c 2",
    "-Q batch_processing -c 1", "-Q maintenance -c 1", "--loglevel=info", "beat", "flower --port=5555", "generate_script_task",
    "generate_assets_task", "render_video_task", "generate_thumbnail_task", "upload_to_youtube_task", "batch_processing_task",
    "sync_quotas", ".delay(project_id=1)", "task.id", "task.get(timeout=60)", "chain(", ".get(timeout=1800)", ".get(timeout=5400)",
    "subscribe_progress", "2, 5, 10|2、5、10", "503", "429", "401, 400, 403|401、400、403", "progress:{project_id}", "timestamp",
    "project_state.json", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "REDIS_HOST", "REDIS_PORT", "REDIS_DB", "redis-cli ping",
    "debug_task", "acks_late", "prefetch", "24", "Asia/Taipei", "pip install -r requirements.txt", "redis:7-alpine",
    "Success rate|成功率", "Mean run time|平均執行時間", "Queue length|佇列長度", "CPU",
)  # fmt: skip
"""What the old README names; for a thing of words, in both languages."""


def rows(name: str) -> list[tuple[str, str, list[str]]]:
    """What was, what is, and the tests that show it; row by row."""
    text = (ROOT / name).read_text(encoding="utf-8")
    section = text.split(PAGES[name], 1)[1].split("\n## ", 1)[0]
    cells = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    shown = [(was.strip(), now, re.findall(r"\]\(([^)\s]+)\)", tests)) for was, now, tests in cells]
    return [row for row in shown if row[2]]


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_both_languages_have_the_same_rows():
    english, chinese = (rows(name) for name in PAGES)

    assert len(english) == len(chinese) > 40
    assert [tests for _, _, tests in english] == [tests for _, _, tests in chinese]
    assert [("**" in now) for _, now, _ in english] == [("**" in now) for _, now, _ in chinese], (
        "what is to come is named in both"
    )


@pytest.mark.parametrize("name", PAGES)
def test_every_test_that_is_named_exists(name):
    named = {link for _, _, tests in rows(name) for link in tests}

    missing = [link for link in named if link.partition("#")[2] not in functions(ROOT / link.partition("#")[0])]
    assert missing == []


@pytest.mark.parametrize("name", PAGES)
def test_everything_that_the_old_readme_names_has_a_row(name):
    before = "\n".join(was for was, _, _ in rows(name))

    assert [word for word in OLD_WORDS if not any(form in before for form in word.split("|"))] == []
