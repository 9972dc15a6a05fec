"""Tells by NOTIFY_COMMAND: it is run with the notice in its environment and as JSON on its stdin; no shell reads either."""

import shlex
from pathlib import Path

from reelqueue import process
from reelqueue.models.event import Notice
from reelqueue.wording import visible

TIMEOUT_SECONDS = 60.0
WHAT = "command"
"""This way's name in a notice's `done`."""


class NotifyCommand:
    """The operator's command; `folder` is where it is run."""

    what = WHAT
    retries = False
    """What it did before it failed nobody knows, so it is run once."""

    def __init__(self, command: str, folder: Path) -> None:
        self._argv = shlex.split(command)
        self._folder = folder

    async def tell(self, notice: Notice) -> None:
        """Run it to its end; what it prints is not kept.

        Raises:
            ChildFailed: it ended with another code than 0, or took more than a minute.
            OSError: it could not be started.
        """
        await process.run(
            self._argv,
            cwd=self._folder,
            timeout_s=TIMEOUT_SECONDS,
            env=environment_of(notice),
            stdin=notice.model_dump_json(exclude={"done", "attempts", "next_at"}).encode() + b"\n",
        )


def environment_of(notice: Notice) -> dict[str, str]:
    """The notice as variables, each there whether it has a value or not."""
    told = {
        "REELQUEUE_NOTICE_KIND": notice.kind,
        "REELQUEUE_NOTICE_STATUS": notice.status,
        "REELQUEUE_NOTICE_TITLE": notice.title,
        "REELQUEUE_NOTICE_WHY": notice.why,
        "REELQUEUE_NOTICE_WHAT_TO_DO": notice.what_to_do,
        "REELQUEUE_NOTICE_PROJECT_ID": str(notice.project_id),
        "REELQUEUE_NOTICE_BATCH_ID": str(notice.batch_id or ""),
        "REELQUEUE_NOTICE_STAGE": notice.stage,
        "REELQUEUE_NOTICE_CHANNEL": notice.channel or "",
        "REELQUEUE_NOTICE_UNTIL": notice.until.isoformat(timespec="seconds") if notice.until is not None else "",
    }
    return {name: visible(value) for name, value in told.items()}
