"""Projects whose video is published and still owed something: `owed/<id>`, an empty file each.

The marker is made before the state says so and taken away after it says that nothing is owed any more, so that nobody has to
read every state to learn who is owed.
"""

from pathlib import Path

from reelqueue import failpoints
from storage import disk
from storage.hop import hop


class Debts:
    """The markers below one `DATA_DIR`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def mark(self, project_id: int) -> None:
        """Note a debt; one that is noted stays.  Raises Unavailable, DiskFull: it may not be noted."""
        await hop(self._mark, project_id)

    async def clear(self, project_id: int) -> None:
        """Nothing is owed any more.  Raises Unavailable: the marker may still be there."""
        await hop(self._clear, project_id)

    async def all(self) -> list[int]:
        """Who is owed, oldest project first.  Raises Unavailable."""
        return await hop(self._all)

    def _mark(self, project_id: int) -> None:
        with disk.translated(self._folder):
            disk.make_folder(self._folder)
            (self._folder / str(project_id)).touch(mode=disk.FILE_MODE)
            disk.sync_folder(self._folder)
            failpoints.hit("debt.marked")

    def _clear(self, project_id: int) -> None:
        with disk.translated(self._folder):
            (self._folder / str(project_id)).unlink(missing_ok=True)
            failpoints.hit("debt.cleared")

    def _all(self) -> list[int]:
        with disk.translated(self._folder):
            if not self._folder.is_dir():
                return []
            return sorted(int(path.name) for path in self._folder.iterdir() if path.name.isdecimal())
