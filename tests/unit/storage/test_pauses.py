"""Which queues are paused, as the disk tells."""

import pytest

from storage.answers import Unavailable
from storage.pauses import Pauses


@pytest.mark.parametrize("lies", [lambda _path: None, lambda path: path.write_text("stray")], ids=["nothing", "a stray file"])
async def test_where_no_folder_lies_nothing_is_paused(tmp_path, lies):
    lies(tmp_path / "paused")

    assert await Pauses(tmp_path / "paused").all() == {}


async def test_a_folder_that_does_not_answer_is_not_taken_for_none(tmp_path):
    """`is_dir` says False for it (for any error from Python 3.14 on): a Redis that forgot would let the queue go on."""
    folder = tmp_path / "paused"
    folder.symlink_to(folder)

    with pytest.raises(Unavailable):
        await Pauses(folder).all()
