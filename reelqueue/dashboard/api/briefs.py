"""Briefs as they come over HTTP: read, held to their folder, and refused early for all that is wrong with them."""

import asyncio
from collections.abc import Sequence
from typing import Any

from reelqueue.ahead.refusing import refusals
from reelqueue.dashboard.board import Board
from reelqueue.dashboard.brief.files import contained
from reelqueue.dashboard.problems import SeveralInvalid
from reelqueue.errors import InvalidBrief
from reelqueue.models.brief import Brief, judged
from reelqueue.wording import Text

MOST_TOLD = 50
"""So many mistakes of a list are told at once."""
AT_ONCE = 200
"""So many briefs are read before others have their turn."""


async def brief_of(board: Board, data: Any) -> Brief:
    """The brief, its files held to their folder.

    Raises:
        InvalidBrief: names the field; all that are wrong are in its `all`.
    """
    brief, wrong = judged(data)
    if brief is None:
        raise _all_of(wrong)
    return await contained(brief, board.settings.brief_files_dir)


async def refuse_brief(board: Board, brief: Brief) -> None:
    """Refuse what its stages would refuse minutes later.

    Raises:
        InvalidBrief: as `brief_of`.  InvalidSettings: what is chosen can't be used as it is set up.
    """
    wrong = await refusals(brief, board.settings, board.shelf)
    if wrong:
        raise _all_of(wrong)


async def briefs_of(board: Board, data: Sequence[Any], *, early: bool = True) -> list[Brief]:
    """A batch's briefs, each as `brief_of`; with `early` what its stages would refuse is refused, too.

    Raises:
        InvalidBrief: names place and field ("briefs[3].topic"), the first mistakes in `all`.
    """
    found, wrong = list[Brief](), list[InvalidBrief]()
    for place, each in enumerate(data):
        if place % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)  # others have their turn: five thousand take seconds
        try:
            brief = await brief_of(board, each)
            if early:
                await refuse_brief(board, brief)
            found.append(brief)
        except InvalidBrief as error:
            wrong.extend(_placed(place, one) for one in (error.all if isinstance(error, SeveralInvalid) else (error,)))
        if len(wrong) >= MOST_TOLD:
            break
    if wrong:
        raise _all_of(wrong[:MOST_TOLD])
    return found


def _all_of(wrong: Sequence[InvalidBrief]) -> InvalidBrief:
    return wrong[0] if len(wrong) == 1 else SeveralInvalid(wrong)


def _placed(place: int, error: InvalidBrief) -> InvalidBrief:
    """The same, of one brief of many."""
    error.field = f"briefs[{place}].{error.field}"
    error.text = Text(f"第 {place + 1} 個 brief：{error.text.zh}", f"brief {place + 1}: {error.text.en}")
    return error
