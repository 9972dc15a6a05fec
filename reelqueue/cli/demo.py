"""`make demo`: one real video from nothing, hermetic.

It reads no `.env`, no key and no setting but DEMO_LANGUAGE (zh-TW or en), uses the local providers only, keeps all in
`./data/demo`, and works on a server of its own: it can never pay or publish.
"""

import contextlib
import os
import sys
from collections.abc import AsyncIterator
from importlib.resources import as_file, files
from pathlib import Path

from reelqueue import embedded
from reelqueue.bootstrap import Settings, read_settings
from reelqueue.cli.console import say
from reelqueue.cli.making import Made, make_video, report
from reelqueue.cli.outcome import DONE, ended, run
from reelqueue.cli.server import with_redis
from reelqueue.errors import InvalidSettings
from reelqueue.models.brief import Brief, parse_brief
from reelqueue.telemetry import configure
from reelqueue.wording import Text, speak
from storage import Paths

LANGUAGES = ("zh-TW", "en")
_FOREIGN = ("GEMINI_", "GOOGLE_", "DID_", "YOUTUBE_", "CELERY_", "REDIS_", "REELQUEUE_", "DASHBOARD_")
_FOREIGN_NAMES = {"API_TOKEN", "CHANNELS_FILE", "DAILY_COST_CAP_USD", "PROJECT_COST_CAP_USD"}


def main() -> None:
    """`python -m reelqueue.cli.demo`: exits with 1 when no video came of it."""
    sys.exit(ended(_demo))


def _demo() -> int:
    language = os.environ.get("DEMO_LANGUAGE") or "zh-TW"
    if language not in LANGUAGES:
        raise InvalidSettings("DEMO_LANGUAGE", Text("zh-TW 或 en", "zh-TW or en"), language)
    speak("en" if language == "en" else "zh-TW")
    configure(level="warning", log_format="console")
    data_dir = Path("data/demo").resolve()
    forget_the_environment()
    os.environ |= {f"REELQUEUE_{name}_PROVIDER": "local" for name in ("SCRIPT", "IMAGE", "VOICE", "PRESENTER")}
    os.environ["REELQUEUE_PUBLISHER"] = "local"
    with as_file(files("reelqueue").joinpath("data", "demo")) as folder, contextlib.chdir(folder):  # no .env lies here
        settings, brief = read_settings(data_dir=data_dir, reelqueue_language=language), demo_brief(folder, language)
        return run(_make(settings, brief), interrupted=lambda: Text("再執行一次 make demo 就會重新開始", "make demo begins anew"))


async def _make(settings: Settings, brief: Brief) -> int:
    def created(project_id: int) -> None:
        say(Text(f"示範專案 {project_id}：{brief.topic}", f"demo project {project_id}: {brief.topic}"))

    made: Made = await make_video(settings, brief, created=created, server=own_server)
    report(made, Paths(settings.data_dir))
    return DONE


@contextlib.asynccontextmanager
async def own_server(settings: Settings) -> AsyncIterator[Settings]:
    """The embedded server of this folder, whatever else answers."""
    async with embedded.server(Paths(settings.data_dir).redis_dir) as url:
        yield with_redis(settings, url)


def forget_the_environment() -> None:
    """Remove every setting and key that we or the services know from this process and so from its children."""
    ours = {name.upper() for name in Settings.model_fields} - {"LANGUAGE"}
    for name in list(os.environ):
        if name.startswith(_FOREIGN) or name in ours | _FOREIGN_NAMES:
            del os.environ[name]


def demo_brief(folder: Path, language: str) -> Brief:
    """The text of the demo: its first line is the topic."""
    first, _, rest = (folder / f"{language}.md").read_text(encoding="utf-8").partition("\n")
    return parse_brief({"topic": first.lstrip("# "), "content": rest, "language": language})


if __name__ == "__main__":
    main()
