"""What of a file was made before: its batch, where the very same file was given already, and rows that are projects of another."""

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.batch.rows import Mistake, Row, Sheet, identity
from reelqueue.models.batch import BatchState
from reelqueue.models.keys import piece_key
from reelqueue.wording import Text
from storage import BatchStore, ProjectStore
from storage.birth import Namesake


@dataclass(frozen=True, slots=True)
class Past:
    """`batch` is the one that this very file is already; `rows` are those that belong to it, or will.

    `earlier` are rows that are another batch's projects, or an app's: they are left out.
    """

    key: str
    batch: BatchState | None
    rows: tuple[Row, ...]
    earlier: tuple[tuple[Row, int], ...] = ()
    mistakes: tuple[Mistake, ...] = ()


def file_key(rows: Sequence[Row]) -> str:
    """The idempotency key of a file's batch: the same rows in the same order are the same batch."""
    return f"reelqueue batch file {piece_key({'rows': [row.key for row in rows]})}"


async def past_of(sheet: Sheet, projects: ProjectStore, batches: BatchStore) -> Past:
    """Look up what was made of these rows; writes nothing.

    Raises:
        StorageUnavailable: the disk does not answer.
    """
    key = file_key(sheet.rows)
    batch = await batches.made_under(key)
    if batch is not None and batch.project_ids:  # it was made whole: its rows are its own, whatever became of them
        return Past(key, batch, sheet.rows)
    found = await projects.namesakes([(row.key, row.brief) for row in sheet.rows])
    outlines = await projects.outlines([known.number for known in found if known is not None and not known.deleted])
    rows, earlier, mistakes = list[Row](), list[tuple[Row, int]](), list[Mistake]()
    for row, known in zip(sheet.rows, found, strict=True):
        outline = outlines.get(known.number) if known is not None else None
        if known is None or (outline is not None and batch is not None and outline.batch_id == batch.batch_id):
            rows.append(row)
        elif known.deleted:
            mistakes.append(_deleted(row, known))
        elif row.is_named and not known.same and await _is_another(row, known, projects):
            mistakes.append(_taken(row, known))
        else:
            earlier.append((row, known.number))
    return Past(key, batch, tuple(rows), tuple(earlier), tuple(mistakes))


async def _is_another(row: Row, known: Namesake, projects: ProjectStore) -> bool:
    """Whether the project of a row's key is of another video, not only of another priority."""
    return identity((await projects.load(known.number)).brief) != row.identity


def _deleted(row: Row, known: Namesake) -> Mistake:
    return Mistake(
        row.line,
        "key",
        Text(
            f"這一列做過專案 {known.number}，已經刪除：要重做，請在 key 欄給一個新的 key",
            f"project {known.number} was made of this row and deleted: to make it again give it a new key in the column key",
        ),
    )


def _taken(row: Row, known: Namesake) -> Mistake:
    return Mistake(
        row.line,
        "key",
        Text(
            f"key「{row.key}」是專案 {known.number} 的，內容不同：換一個 key",
            f"the key {row.key!r} is project {known.number}'s, which is of another video: choose another key",
        ),
    )
